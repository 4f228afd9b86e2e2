/** The spool put together: the index of what is ours, and the journal that makes it so. */
import { Readable } from 'node:stream'
import type { Events } from '../events.ts'
import type { Envelope, QueuedMessage, RecipientState } from '../mail/envelope.ts'
import { Cleaner } from './cleaner.ts'
import { ContentCache } from './content-cache.ts'
import { Contents } from './contents.ts'
import type { Disk } from './disk.ts'
import { spoolError } from './disk-error.ts'
import { Fault } from './fault.ts'
import { FreeSpace } from './free-space.ts'
import { IncomingMessage, type Received } from './incoming.ts'
import { type Item, Journal, type Record } from './journal.ts'
import { LargeFiles } from './large-files.ts'
import { type Paths, pathsOf } from './paths.ts'
import { parseQueueId, queueIds } from './queue-id.ts'
import { type Recovered, recover } from './recovery.ts'
import { closed, untried } from './replay.ts'
import { type Held, leave, type Place, settle } from './segment.ts'
import { type Incoming, type Spool, SpoolError } from './spool.ts'

export type SpoolEvents = Pick<Events, 'committed' | 'quarantined' | 'recovered' | 'spoolFault' | 'spoolRecovered'>

type Parts = {
  readonly directory: string
  readonly events: SpoolEvents
  readonly now: () => number
  readonly disk: Disk
  /** Else small against the volume. */
  readonly segmentBytes?: number
  readonly tryAgainMs?: number
  /** After everything is on disk and every file is closed. */
  readonly closed: () => void
}

export class JournalSpool implements Spool {
  readonly #parts: Parts
  readonly #paths: Paths
  readonly #space: FreeSpace
  readonly #journal: Journal
  readonly #large: LargeFiles
  readonly #cache = new ContentCache()
  readonly #contents: Contents
  readonly #cleaner: Cleaner
  readonly #fault: Fault
  readonly #nextId: () => string
  readonly #ours = new Map<string, Held>()
  readonly #incoming = new Set<string>()
  readonly #listeners: ((message: QueuedMessage) => void)[] = []
  #bytes = 0

  static async open(parts: Parts): Promise<JournalSpool> {
    const paths = pathsOf(parts.directory)
    const space = await FreeSpace.of(() => parts.disk.space(parts.directory))
    const recovered = await recover({ disk: parts.disk, paths, events: parts.events })
    const spool = new JournalSpool(parts, paths, space, recovered)
    await spool.#begin(recovered)
    return spool
  }

  private constructor(parts: Parts, paths: Paths, space: FreeSpace, { segments, lastNumber, messages }: Recovered) {
    const { disk, events, now } = parts
    const segmentBytes = parts.segmentBytes ?? segmentBytesFor(space.total)
    this.#parts = parts
    this.#paths = paths
    this.#space = space
    this.#nextId = queueIds(now)
    this.#large = new LargeFiles(disk, paths)
    this.#fault = new Fault({ events, mend: () => this.#mend(), tryAgainMs: parts.tryAgainMs })
    this.#contents = new Contents({ disk, paths, cache: this.#cache, damaged: (held) => this.#setAside(held) })
    this.#journal = new Journal({
      disk,
      paths,
      segments,
      segmentBytes,
      lastNumber,
      written: (items, bytes) => this.#written(items, bytes),
      broken: (error) => this.#fault.raise(error),
    })
    const short = () => space.shortage !== undefined
    this.#cleaner = new Cleaner({ disk, paths, journal: this.#journal, contents: this.#contents, segmentBytes, short })
    for (const held of messages) this.#keep(held)
  }

  get bytes(): number {
    return this.#bytes
  }

  get fault(): string | undefined {
    void this.#noteShortage()
    return this.#fault.error?.message
  }

  /** Free octets on the volume, as of a second ago at most. */
  freeBytes(): number {
    return this.#space.free
  }

  async receive(chosen?: string): Promise<Incoming> {
    await this.#check()
    const queueId = chosen ?? this.#nextId()
    if (parseQueueId(queueId) === undefined) throw new Error(`${queueId} is no queue id`)
    if (this.#ours.has(queueId) || this.#incoming.has(queueId)) throw new Error(`queue id ${queueId} is taken`)
    this.#incoming.add(queueId)
    return new IncomingMessage({
      queueId,
      check: () => this.#check(),
      createFile: () => this.#large.create(queueId),
      wrote: (bytes) => this.#space.took(bytes),
      accept: (envelope, received) => this.#accept({ ...envelope, queueId, bytes: received.bytes }, received),
      failed: (error) => this.#failed(`message ${queueId} could not be stored`, error),
      ended: () => this.#incoming.delete(queueId),
    })
  }

  *messages(): Iterable<QueuedMessage> {
    for (const held of this.#ours.values()) yield held.message
  }

  has(queueId: string): boolean {
    return this.#ours.has(queueId)
  }

  content(queueId: string): Readable {
    const held = this.#ours.get(queueId)
    if (held !== undefined) return this.#contents.stream(held)
    return new Readable().destroy(this.#error('fault', `message ${queueId} is not ours`))
  }

  async record(queueId: string, recipients: readonly RecipientState[]): Promise<void> {
    const held = this.#ours.get(queueId)
    // It was set aside: there is nothing to deliver, and nothing to remember.
    if (held === undefined) return
    held.message = { envelope: held.message.envelope, recipients }
    await this.#journal.append({ entry: { kind: 'state', queueId, recipients } })
  }

  async remove(queueId: string): Promise<void> {
    const held = this.#ours.get(queueId)
    if (held === undefined) return
    held.leaving = true
    try {
      await this.#journal.append({ entry: { kind: 'removed', queueId }, durable: () => this.#forget(held) })
    } catch (error) {
      held.leaving = false
      throw error
    }
  }

  onQueued(listener: (message: QueuedMessage) => void): void {
    this.#listeners.push(listener)
  }

  async close(): Promise<void> {
    this.#fault.stop()
    await this.#cleaner.stop()
    await this.#journal.close()
    this.#parts.closed()
  }

  async #begin({ ended, messages, swept }: Recovered): Promise<void> {
    try {
      await this.#journal.mend()
      await Promise.all(ended.map((queueId) => this.#journal.append(removal(queueId))))
    } catch (error) {
      this.#failed('the journal could not be begun', error)
    }
    this.#parts.events.recovered(messages.length, swept)
    this.#cleaner.consider()
  }

  async #accept(envelope: Envelope, { content, file }: Received): Promise<QueuedMessage> {
    const message = { envelope, recipients: untried(envelope) }
    const entry = { kind: 'accepted', envelope, ...(file !== undefined && { file }) } as const
    const durable = (place: Place): void => {
      const held: Held = { message, place, file, leaving: false }
      settle(held, place)
      this.#keep(held)
      if (content !== undefined) this.#cache.put(envelope.queueId, content)
      if (envelope.reports) this.#close(envelope.reports)
    }
    await this.#journal.append({ entry, content, durable })
    // Not here and now: whatever a listener does, the message is ours.
    for (const listener of this.#listeners) queueMicrotask(() => listener(message))
    return message
  }

  #keep(held: Held): void {
    this.#ours.set(held.message.envelope.queueId, held)
    this.#bytes += held.message.envelope.bytes
  }

  #forget(held: Held): void {
    const { queueId, bytes } = held.message.envelope
    leave(held)
    this.#cache.drop(queueId)
    if (this.#ours.get(queueId) !== held) return
    this.#ours.delete(queueId)
    this.#bytes -= bytes
    if (held.file !== undefined) void this.#large.remove(queueId)
  }

  #close(reports: NonNullable<Envelope['reports']>): void {
    const held = this.#ours.get(reports.queueId)
    if (held) held.message = { ...held.message, recipients: closed(held.message.recipients, reports) }
  }

  /** Found damaged when it was to be given out: it is ours no more, and nothing of it is deleted. */
  #setAside(held: Held): void {
    const { queueId } = held.message.envelope
    const path = held.file === undefined ? this.#paths.segment(held.place.segment.name) : this.#paths.content(queueId)
    this.#parts.events.quarantined(path, `the content of message ${queueId} is damaged`)
    if (held.file === undefined) held.place.segment.damaged = true
    else void this.#parts.disk.rename(path, this.#paths.setAside(`${queueId}.eml`)).catch(ignored)
    this.#ours.delete(queueId)
    this.#bytes -= held.message.envelope.bytes
    leave(held)
    this.#journal.append(removal(queueId)).catch(ignored)
  }

  #written(items: readonly Item[], bytes: number): void {
    this.#space.took(bytes)
    const waits = items.filter(({ entry }) => entry.kind === 'accepted').map((item) => performance.now() - item.since)
    if (waits.length > 0) this.#parts.events.committed(waits.length, Math.max(...waits) / 1000)
    this.#cleaner.consider()
  }

  /** @throws SpoolError when nothing is taken now */
  async #check(): Promise<void> {
    await this.#noteShortage()
    const error = this.#fault.error
    if (error !== undefined) throw new SpoolError(error.kind, error.message, error)
  }

  // Near the end the volume is asked each time: what was deleted or rounded up since the last time was not counted.
  async #noteShortage(): Promise<void> {
    if (this.#space.ample || this.#fault.error !== undefined) return
    await this.#space.refresh().catch(ignored)
    const { shortage } = this.#space
    if (shortage !== undefined) this.#fault.raise(this.#error('full', shortage))
  }

  #failed(what: string, cause: unknown): Error {
    const error = spoolError(`spool ${this.#parts.directory}: ${what}`, cause)
    this.#fault.raise(error)
    return error
  }

  // A segment that can go gives the room that a new one needs.
  async #mend(): Promise<void> {
    this.#cleaner.consider()
    await this.#journal.mend()
    await this.#space.refresh()
    if (!this.#space.ample) throw this.#error('full', this.#space.shortage ?? 'disk nearly full')
    await this.#large.probe()
  }

  #error(kind: SpoolError['kind'], what: string): SpoolError {
    return new SpoolError(kind, `spool ${this.#parts.directory}: ${what}`)
  }
}

/** Small against the volume, so that a nearly full one has something to clean; large enough that folders rest. */
const segmentBytesFor = (total: number): number =>
  Math.max(64 * 1024, Math.min(16 * 1024 * 1024, Math.floor(total / 64)))

const removal = (queueId: string): Record => ({ entry: { kind: 'removed', queueId } })

const ignored = (): void => {}
