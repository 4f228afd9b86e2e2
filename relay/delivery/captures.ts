/** Captured mail on its way to the inbox, some at a time; a fault of the inbox's disk is ours, so nothing ever bounces. */
import type { Events } from '../events.ts'
import type { Outcome } from '../mail/outcome.ts'
import { reply } from '../mail/reply.ts'
import type { Disk } from '../spool/disk.ts'
import type { Spool } from '../spool/spool.ts'
import { replyFor } from './answer.ts'
import type { Retry } from './decide.ts'
import { capture, InboxError, type Underway } from './inbox.ts'
import type { Ledger } from './ledger.ts'
import { Parked } from './parked.ts'
import { ReadyQueue } from './ready-queue.ts'
import type { Take } from './roster.ts'
import type { Parcel, Tracked } from './tracked.ts'
import type { Unread } from './unread.ts'

const atOnce = 16
/** Parcels that wait in memory; of more messages only numbers are parked. */
const most = 256
export const captureRetry: Retry = { scheduleMs: [1000, 5000, 30_000, 60_000], expireAfterMs: Number.POSITIVE_INFINITY }
const captured: Outcome = { kind: 'delivered', reply: reply(250, '0.0', 'captured') }

type Parts = {
  readonly directory: string
  /** Of the inbox. */
  readonly disk?: Disk | undefined
  readonly spool: Pick<Spool, 'content' | 'handleOf'>
  readonly take: Take
  /** Looks what of the message is due; that comes back by `add`. */
  readonly look: (message: Tracked) => void
  readonly ledger: Ledger
  readonly events: Pick<Events, 'captured' | 'inboxFault' | 'inboxRecovered'>
  readonly unread: Pick<Unread, 'failed' | 'read'>
}

export class Captures {
  readonly #parts: Parts
  readonly #waiting = new ReadyQueue<Parcel>()
  readonly #parked = new Parked()
  #coming = 0
  readonly #running = new Set<Promise<void>>()
  readonly #underway: Underway = { octets: 0 }
  /** Captures that are running, or done and not yet recorded in the spool. */
  #unsettled = 0
  /** The smallest message that the inbox has not taken since it last took one as large, in octets. */
  #refused = Number.POSITIVE_INFINITY
  #stopped = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get waiting(): number {
    return this.#waiting.size + this.#parked.size + this.#coming
  }

  get inFlight(): number {
    return this.#running.size
  }

  add({ message, recipients }: Parcel): void {
    const { queueId, credential } = message.envelope
    if (this.#waiting.size < most || this.#joins(credential)) {
      for (const recipient of recipients) message.busy.add(recipient)
      this.#waiting.push(credential, { message, recipients })
    } else {
      const handle = this.#parts.spool.handleOf(queueId)
      if (handle !== undefined) this.#parked.push(credential, handle)
    }
    this.#pump()
  }

  park(handle: number, credential: string): void {
    this.#parked.push(credential, handle)
    this.#pump()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#running)
  }

  #pump(): void {
    while (!this.#stopped) {
      const handle = this.#unpark()
      if (handle === undefined) break
      void this.#bring(handle)
    }
    while (!this.#stopped && this.#unsettled < atOnce) {
      const parcel = this.#waiting.shift()
      if (parcel === undefined) return
      this.#unsettled += 1
      const run = this.#run(parcel).finally(() => this.#running.delete(run))
      this.#running.add(run)
      void run.then(() => this.#settled(parcel))
    }
  }

  #unpark(): number | undefined {
    if (this.#waiting.size + this.#coming < atOnce) return this.#parked.shift()
    // One at a time: until it has been read it does not count, and its credential would be let in again.
    return this.#coming === 0 ? this.#parked.shiftOf(this.#joins) : undefined
  }

  /** New mail goes past what is parked, and may fill the memory without end: a credential with nothing there is let in even then. */
  readonly #joins = (credential: string): boolean => this.#waiting.letsIn(credential, most)

  async #settled({ message }: Parcel): Promise<void> {
    await this.#parts.ledger.recorded(message)
    this.#unsettled -= 1
    this.#pump()
  }

  async #bring(handle: number): Promise<void> {
    const { take, look } = this.#parts
    this.#coming += 1
    await take(handle, look)
    this.#coming -= 1
    this.#pump()
  }

  async #run({ message, recipients }: Parcel): Promise<void> {
    const outcome = await this.#capture(message)
    const results = recipients.map((recipient) => ({ recipient, outcome }))
    await this.#parts.ledger.settle(message, results, captureRetry)
  }

  async #capture({ envelope }: Parcel['message']): Promise<Outcome> {
    const { directory, disk, spool, events, unread } = this.#parts
    try {
      await capture(directory, spool, envelope, this.#underway, disk)
      unread.read(envelope.queueId)
      events.captured(envelope.queueId)
      this.#taken(envelope)
      return captured
    } catch (error) {
      if (error instanceof InboxError) this.#refuse(envelope, error.message)
      else unread.failed(envelope.queueId, error)
      const why = error instanceof Error ? error.message : String(error)
      return { kind: 'deferred', scope: 'message', reply: replyFor('unreadable', `inbox: ${why}`) }
    }
  }

  /** Told once, and not for each message that waits; a full inbox may still take small ones, which is no recovery. */
  #refuse({ bytes }: Parcel['message']['envelope'], why: string): void {
    if (this.#refused === Number.POSITIVE_INFINITY) this.#parts.events.inboxFault(why)
    this.#refused = Math.min(this.#refused, bytes)
  }

  #taken({ bytes }: Parcel['message']['envelope']): void {
    if (bytes < this.#refused) return
    this.#refused = Number.POSITIVE_INFINITY
    this.#parts.events.inboxRecovered()
  }
}
