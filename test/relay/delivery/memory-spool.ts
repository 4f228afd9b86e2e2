/** A spool in memory that keeps the real one's promises, and whose disk can be told to fail. */
import { Readable } from 'node:stream'
import { type Envelope, type QueuedMessage, type RecipientState, soonestOf } from '../../../relay/mail/envelope.ts'
import { closed } from '../../../relay/spool/ahead.ts'
import { type Incoming, type Outline, type Spool, SpoolError } from '../../../relay/spool/spool.ts'

type Stored = { envelope: Envelope; recipients: readonly RecipientState[]; content: Buffer }
type Operation = 'receive' | 'commit' | 'load' | 'record' | 'remove' | 'content'

export class MemorySpool implements Spool {
  readonly stored = new Map<string, Stored>()
  /** The operations that change something, in their order, as `record <queue id>`. */
  readonly log: string[] = []
  /** The operations that fail now. */
  readonly broken = new Set<Operation>()
  /** Called before each `receive`, `commit`, `record` and `remove`, which wait for it. */
  before: (operation: Operation, queueId: string) => void | Promise<void> = () => {}
  /** The handle of a queue id is its index in this list; one that was freed is given out again, as by the real spool. */
  readonly #ids: (string | undefined)[] = []
  readonly #listeners: ((message: QueuedMessage) => void)[] = []
  fault: string | undefined
  readonly isFull = false

  get size(): number {
    return this.stored.size
  }

  get claimed(): number {
    return [...this.stored.values()].reduce((sum, { content }) => sum + content.length, 0)
  }

  async #operate(operation: Operation, queueId: string): Promise<void> {
    await this.before(operation, queueId)
    if (this.broken.has(operation)) throw new SpoolError('full', `${operation} ${queueId}: no space`)
    this.log.push(`${operation} ${queueId}`)
  }

  /** Adds a message as if a client had submitted it. */
  put(envelope: Envelope, content: Buffer, recipients?: readonly RecipientState[]): QueuedMessage {
    const states = recipients ?? envelope.forwardPaths.map(pending)
    this.stored.set(envelope.queueId, { envelope, recipients: states, content })
    const queued = { envelope, recipients: states }
    for (const listener of this.#listeners) listener(queued)
    return queued
  }

  async receive(queueId = 'unused'): Promise<Incoming> {
    await this.#operate('receive', queueId)
    const chunks: Buffer[] = []
    return {
      queueId,
      write: async (chunk) => void chunks.push(chunk),
      sync: async () => {},
      commit: async (envelope) => {
        await this.#operate('commit', queueId)
        const content = Buffer.concat(chunks)
        return this.put({ ...envelope, queueId, bytes: content.length }, content)
      },
      abort: async () => {},
    }
  }

  *handles(): Iterable<number> {
    for (const queueId of this.stored.keys()) yield this.#handleOf(queueId)
  }

  handleOf(queueId: string): number | undefined {
    return this.stored.has(queueId) ? this.#handleOf(queueId) : undefined
  }

  #handleOf(queueId: string): number {
    const known = this.#ids.indexOf(queueId)
    if (known >= 0) return known
    const free = this.#ids.lastIndexOf(undefined)
    if (free < 0) return this.#ids.push(queueId) - 1
    this.#ids[free] = queueId
    return free
  }

  outline(handle: number): Outline | undefined {
    const stored = this.stored.get(this.#ids[handle] ?? '')
    if (stored === undefined) return undefined
    return { ...stored.envelope, dueAt: soonestOf(stored.recipients) }
  }

  acceptedAt(handle: number): number | undefined {
    return this.outline(handle)?.acceptedAt
  }

  async load(handle: number): Promise<QueuedMessage | undefined> {
    const stored = this.stored.get(this.#ids[handle] ?? '')
    if (this.broken.has('load')) throw new SpoolError('fault', `load ${handle}: no disk`)
    return stored && { envelope: stored.envelope, recipients: stored.recipients }
  }

  get oldestAcceptedAt(): number | undefined {
    return this.earliest((acceptedAt) => acceptedAt)
  }

  earliest(trueTime: (acceptedAt: number) => number): number | undefined {
    const [earliest] = [...this.stored.values()]
      .map(({ envelope }) => trueTime(envelope.acceptedAt))
      .toSorted((a, b) => a - b)
    return earliest
  }

  has(queueId: string): boolean {
    return this.stored.has(queueId)
  }

  /** The real spool holds some contents in memory. Here, delivery always reads by `content`, which can be told to fail. */
  contentInMemory(): undefined {}

  content(queueId: string): Readable {
    const content = this.stored.get(queueId)?.content
    const chunks = content === undefined || this.broken.has('content') ? [] : cut(content)
    return new Readable({
      read() {
        if (chunks.length === 0 && content === undefined)
          this.destroy(new SpoolError('fault', `${queueId} is not here`))
        else this.push(chunks.shift() ?? null)
      },
    })
  }

  async record(queueId: string, recipients: readonly RecipientState[]): Promise<void> {
    await this.#operate('record', queueId)
    const stored = this.stored.get(queueId)
    if (stored !== undefined) stored.recipients = recipients
  }

  async remove(queueId: string): Promise<void> {
    await this.#operate('remove', queueId)
    this.stored.delete(queueId)
    const handle = this.#ids.indexOf(queueId)
    if (handle >= 0) this.#ids[handle] = undefined
  }

  onQueued(listener: (message: QueuedMessage) => void): void {
    this.#listeners.push(listener)
  }

  /** The spool as the next process opens it: recipients that a DSN reports are closed, and messages that are done are gone. */
  reopened(): MemorySpool {
    const next = new MemorySpool()
    for (const [id, stored] of this.stored) next.stored.set(id, { ...stored })
    for (const { envelope } of this.stored.values()) {
      const original = next.stored.get(envelope.reports?.queueId ?? '')
      if (original) original.recipients = closed(original.recipients, envelope.reports?.forwardPaths ?? [])
    }
    for (const [id, { recipients }] of next.stored)
      if (recipients.every((r) => r.state !== 'pending')) next.stored.delete(id)
    return next
  }
}

export const pending = (forwardPath: string): RecipientState => ({
  forwardPath,
  state: 'pending',
  attempts: 0,
  nextAttemptAt: 0,
  ambiguous: 0,
})

function cut(content: Buffer): Buffer[] {
  const chunks: Buffer[] = []
  for (let at = 0; at < content.length; at += 65_536) chunks.push(content.subarray(at, at + 65_536))
  return chunks
}
