/** The spool put together: the index of what is ours, and the journal that makes it so. */
import { Readable } from 'node:stream'
import type { Events } from '../events.ts'
import type { Envelope, QueuedMessage, RecipientState } from '../mail/envelope.ts'
import type { Ahead } from './ahead.ts'
import { Allotment, type Volume } from './allotment.ts'
import { Cleaner } from './cleaner.ts'
import { ContentCache } from './content-cache.ts'
import { Contents } from './contents.ts'
import { Damage } from './damage.ts'
import type { Disk } from './disk.ts'
import { isOfALimit, spoolError, wordsOf } from './disk-error.ts'
import { Fault } from './fault.ts'
import { FreeSpace } from './free-space.ts'
import { type Destination, IncomingMessage, type Received } from './incoming.ts'
import { Intake } from './intake.ts'
import { type Item, Journal, type Record } from './journal.ts'
import { LargeFiles } from './large-files.ts'
import { Messages } from './messages.ts'
import { OpenSegments } from './open-segments.ts'
import { type Paths, pathsOf } from './paths.ts'
import { parseQueueId, queueIds } from './queue-id.ts'
import type { Entry } from './record.ts'
import { type Recovered, recover } from './recovery.ts'
import type { Register } from './register.ts'
import { untried } from './replay.ts'
import { type Place, segmentBytesFor } from './segment.ts'
import { Silence } from './silence.ts'
import { acceptanceBytes } from './sizes.ts'
import { type Incoming, type Outline, type Spool, SpoolError } from './spool.ts'
import { States } from './states.ts'
import { type Patience, patience, Unreadable } from './unreadable.ts'

export type SpoolEvents = Pick<
  Events,
  'committed' | 'forgotten' | 'notDeleted' | 'notStored' | 'quarantined' | 'recovered' | 'spoolFault' | 'spoolRecovered'
>

type Parts = {
  readonly directory: string
  /** See `identity.ts`. */
  readonly identity?: string | undefined
  readonly events: SpoolEvents
  readonly now: () => number
  readonly disk: Disk
  /** Absent: by the size of the volume (segment.ts). */
  readonly segmentBytes?: number
  readonly tryAgainMs?: number
  readonly patience?: Patience
  /** After everything is on disk and every file is closed. */
  readonly closed: () => void
}

export class JournalSpool implements Spool {
  /** Also for writes to other files of its volume that mail has to wait for. */
  readonly silence: Silence
  readonly #parts: Parts
  readonly #space: FreeSpace
  readonly #room: Allotment
  readonly #journal: Journal
  readonly #large: LargeFiles
  readonly #cache = new ContentCache()
  readonly #contents: Contents
  readonly #cleaner: Cleaner
  readonly #states: States
  readonly #destination: Destination
  readonly #fault: Fault
  readonly #intake: Intake
  readonly #nextId: () => string
  readonly #register: Register
  readonly #ahead: Ahead
  readonly #open: OpenSegments
  readonly #damage: Damage
  readonly #incoming = new Set<string>()
  readonly #listeners: ((message: QueuedMessage) => void)[] = []

  static async open(parts: Parts): Promise<JournalSpool> {
    const paths = pathsOf(parts.directory)
    const space = await FreeSpace.of(() => parts.disk.space(parts.directory))
    const recovered = await recover({ disk: parts.disk, paths, events: parts.events })
    const spool = new JournalSpool(parts, paths, space, recovered)
    await spool.#begin(recovered)
    return spool
  }

  private constructor(parts: Parts, paths: Paths, space: FreeSpace, recovered: Recovered) {
    const { events, now } = parts
    const disk = space.counting(parts.disk)
    const { segments, lastNumber, isEmptied, register, ahead, entries, undone } = recovered
    const segmentBytes = parts.segmentBytes ?? segmentBytesFor(space.total)
    this.#parts = parts
    this.#space = space
    this.#register = register
    this.#ahead = ahead
    this.#open = new OpenSegments(disk, paths)
    this.#nextId = queueIds(now)
    this.#fault = new Fault({ events, mend: () => this.#mend(), tryAgainMs: parts.tryAgainMs })
    this.silence = new Silence(`spool ${paths.directory}`, (why) => this.#fault.silent(why))
    this.#large = new LargeFiles(disk, paths, this.silence)
    this.#damage = new Damage({
      disk,
      paths,
      register,
      events,
      drop: (handle) => this.#drop(handle),
      remove: (queueId) => this.#journal.append(removal(queueId)),
      clean: () => this.#cleaner.consider(),
    })
    const damaged = (handle: number, queueId: string) => this.#damage.message(handle, queueId)
    const waits = parts.patience ?? patience
    const unreadable = new Unreadable({ patience: waits, works: () => this.#works() })
    const messages = new Messages({
      directory: paths.directory,
      register,
      ahead,
      read: (place) => unreadable.read(`${place.segment.name}:${place.at}`, () => this.#open.read(place)),
      damaged,
      damagedState: (handle, queueId, place) => this.#damage.state(handle, queueId, place),
    })
    this.#contents = new Contents({ disk, paths, cache: this.#cache, messages, unreadable, damaged })
    this.#journal = new Journal({
      disk,
      paths,
      segments,
      segmentBytes,
      lastNumber,
      isEmptied,
      undone: () => register.undone,
      found: { entries, ending: undone - register.undone },
      written: (items, bytes) => this.#written(items, bytes),
      broken: (error) => this.#fault.raise(error),
      gone: ({ name }, why) => events.quarantined(paths.segment(name), why),
      silence: this.silence,
    })
    this.#room = new Allotment(space, () => ({
      messages: register.size,
      live: register.liveBytes,
      states: register.stateBytes,
      growth: register.growth,
      segment: this.#journal.largest,
    }))
    this.#intake = new Intake({ directory: paths.directory, fault: this.#fault, space, room: this.#room })
    this.#cleaner = new Cleaner({
      disk,
      paths,
      journal: this.#journal,
      register,
      ahead,
      messages,
      open: this.#open,
      segmentBytes,
      readAgainMs: waits.apartMs,
      room: this.#room,
      gave: () => space.refresh().catch(ignored),
      stuck: (segment, error) => this.#damage.stuck(segment, error),
    })
    this.#states = new States({
      register,
      ahead,
      room: this.#room,
      journal: this.#journal,
      cleaner: this.#cleaner,
      load: (handle) => this.load(handle),
    })
    this.#destination = {
      held: { bytes: 0 },
      check: (isReport) => this.#intake.check(isReport),
      taking: (isReport, bytes, write) => this.#taking(isReport, bytes, write),
      createFile: (queueId) => this.#large.create(queueId),
      wrote: (bytes) => space.took(bytes),
      accept: (envelope, received) => this.#accept(envelope, received),
      failed: (queueId, error) => this.#notStored(queueId, error),
      ended: (queueId) => this.#incoming.delete(queueId),
    }
  }

  /** Nothing is ours, and nothing is on its way to become it. */
  get isEmpty(): boolean {
    return this.#register.size === 0 && this.#incoming.size === 0
  }

  /** What tells this spool from another; undefined where it could not be written. */
  get identity(): string | undefined {
    return this.#parts.identity
  }

  get bytes(): number {
    return this.#register.bytes
  }

  get claimed(): number {
    return this.#register.claimed
  }

  get size(): number {
    return this.#register.size
  }

  get oldestAcceptedAt(): number | undefined {
    return this.#register.oldestAcceptedAt
  }

  earliest(trueTime: (acceptedAt: number) => number): number | undefined {
    return this.#register.earliest(trueTime)
  }

  get fault(): string | undefined {
    return this.#intake.fault
  }

  get isFull(): boolean {
    return this.#intake.isFull
  }

  /** How full the volume was when it was last asked; each look asks again, once a second at most. */
  get volume(): Volume {
    return this.#room.volume
  }

  async receive(chosen?: string): Promise<Incoming> {
    // Only delivery chooses an id, and only for a report (DSN).
    const isReport = chosen !== undefined
    const checking = this.#intake.check(isReport)
    if (checking !== undefined) await checking
    const queueId = chosen ?? this.#nextId()
    if (isReport && parseQueueId(queueId) === undefined) throw new Error(`${queueId} is no queue id`)
    if (this.has(queueId) || this.#incoming.has(queueId)) throw new Error(`queue id ${queueId} is taken`)
    this.#incoming.add(queueId)
    return new IncomingMessage(queueId, isReport, this.#destination)
  }

  handles(): Iterable<number> {
    return this.#register.handles()
  }

  handleOf(queueId: string): number | undefined {
    return this.#register.find(queueId)
  }

  outline(handle: number): Outline | undefined {
    return this.#register.outline(handle)
  }

  acceptedAt(handle: number): number | undefined {
    return this.#register.acceptedAt(handle)
  }

  load(handle: number): Promise<QueuedMessage | undefined> {
    return this.#contents.message(handle)
  }

  has(queueId: string): boolean {
    return this.#register.find(queueId) !== undefined
  }

  content(queueId: string): Readable {
    const handle = this.#register.find(queueId)
    if (handle !== undefined) return this.#contents.stream(handle, queueId)
    return new Readable().destroy(
      new SpoolError('fault', `spool ${this.#parts.directory}: message ${queueId} is not ours`),
    )
  }

  contentInMemory(queueId: string): Buffer | undefined {
    return this.#cache.get(queueId)
  }

  record(queueId: string, recipients: readonly RecipientState[]): Promise<void> {
    return this.#states.record(queueId, recipients)
  }

  remove(queueId: string): Promise<void> {
    const handle = this.#register.find(queueId)
    if (handle === undefined) return Promise.resolve()
    this.#register.setLeaving(handle, true)
    const durable = (): void => this.#forget(handle, queueId)
    return this.#journal.append({ ...removal(queueId), durable }).catch((error: unknown) => {
      this.#register.setLeaving(handle, false)
      throw error
    })
  }

  onQueued(listener: (message: QueuedMessage) => void): void {
    this.#listeners.push(listener)
  }

  async close(): Promise<void> {
    await this.#fault.stop()
    await this.#cleaner.stop()
    // After the cleaner, which may find more; the removals that come of it are waited for with all else that the journal writes.
    await this.#damage.ending
    await this.#journal.close()
    await this.#open.close()
    this.#parts.closed()
  }

  async #begin({ register, swept }: Recovered): Promise<void> {
    try {
      await this.#journal.mend()
    } catch (error) {
      this.#intake.failed('the journal could not be begun', error)
    }
    this.#parts.events.recovered(register.size, swept)
    this.#cleaner.consider()
  }

  async #accept(envelope: Envelope, { content, file }: Received): Promise<QueuedMessage> {
    const message = { envelope, recipients: untried(envelope) }
    const entry: Entry = file === undefined ? { kind: 'accepted', envelope } : { kind: 'accepted', envelope, file }
    const durable = (place: Place): void => {
      this.#register.add(envelope, message.recipients, place, file)
      if (content !== undefined) this.#cache.put(envelope.queueId, content)
      const original = envelope.reports && this.#register.find(envelope.reports.queueId)
      if (envelope.reports && original !== undefined) this.#ahead.report(original, envelope.reports.forwardPaths)
    }
    const bytes = acceptanceBytes(envelope) + (content?.length ?? 0)
    await this.#taking(envelope.reports !== undefined, bytes, () => this.#journal.append({ entry, content, durable }))
    // Not in this call: the message is ours, also if a listener throws.
    for (const listener of this.#listeners) void Promise.resolve(message).then(listener)
    return message
  }

  /** What its caller is told. A content that a limit on files keeps out is refused alone: others need no file, or a smaller one. */
  #notStored(queueId: string, cause: unknown): SpoolError {
    const what = `message ${queueId} could not be stored`
    if (!isOfALimit(cause)) return this.#intake.failed(what, cause)
    this.#parts.events.notStored(queueId, wordsOf(cause))
    return spoolError(`spool ${this.#parts.directory}: ${what}`, cause)
  }

  #taking(isReport: boolean, bytes: number, write: () => Promise<void>): Promise<void> {
    this.#intake.mustFit(isReport, bytes)
    return this.#room.during(bytes, write())
  }

  #forget(handle: number, queueId: string): void {
    this.#cache.drop(queueId)
    if (!this.#register.standsFor(handle, queueId)) return
    const hadFile = this.#register.hasFile(handle)
    this.#drop(handle)
    if (hadFile) void this.#large.remove(queueId)
  }

  #drop(handle: number): void {
    this.#ahead.forget(handle)
    this.#register.remove(handle)
  }

  #written(items: readonly Item[], bytes: number): void {
    this.#space.took(bytes)
    const now = performance.now()
    let accepted = 0
    let longestMs = 0
    for (const { entry, since } of items) {
      if (entry.kind !== 'accepted') continue
      accepted += 1
      longestMs = Math.max(longestMs, now - since)
    }
    if (accepted > 0) this.#parts.events.committed(accepted, longestMs / 1000)
    this.#cleaner.consider()
  }

  /** Whether the disk takes a write, by trying one: perhaps nobody else writes, and so nobody sees that the volume is away. */
  async #works(): Promise<boolean> {
    if (this.#fault.error === undefined)
      await this.#large.probe().catch((error: SpoolError) => this.#fault.raise(error))
    return this.#fault.error?.kind !== 'fault'
  }

  // Cleaning first: a segment that goes makes the room that a new one needs.
  async #mend(): Promise<void> {
    this.#cleaner.consider()
    await this.#journal.mend()
    await this.#intake.mustHaveRoomAgain()
    await this.#large.probe()
  }
}

const removal = (queueId: string): Record => ({ entry: { kind: 'removed', queueId } })

const ignored = (): void => {}
