/** The journal: records are appended to the newest segment, and what waits shares one write and one fdatasync, up to a full batch. */
import { randomBytes } from 'node:crypto'
import type { Disk, DiskFile } from './disk.ts'
import { isAbsent, spoolError } from './disk-error.ts'
import { type Shared, shared } from './group-commit.ts'
import type { Paths } from './paths.ts'
import { type Entry, encode, journalVersion, nonceBytes } from './record.ts'
import { newSegment, type Place, parseSegmentName, type Segment } from './segment.ts'
import type { Silence } from './silence.ts'
import { stateBytes } from './sizes.ts'
import { SpoolError } from './spool.ts'

export type Record = {
  readonly entry: Entry
  readonly content?: Buffer | undefined
  /** Called once it is durable, in the order of the journal, before any caller hears of it. */
  readonly durable?: (place: Place) => void
}

/** `since`: when it was handed over, on the clock of `performance`. */
export type Item = Record & { readonly since: number }

/** From one number to another. */
type Row = { readonly from: number; readonly to: number }

type Active = { readonly segment: Segment; readonly file: DiskFile }

type Parts = {
  readonly disk: Disk
  readonly paths: Paths
  /** Those that were there at the start, oldest first. */
  readonly segments: readonly Segment[]
  readonly segmentBytes: number
  /** The highest number that a segment ever had. */
  readonly lastNumber: number
  /** There is no segment, and a file stands for that (paths.ts). */
  readonly isEmptied: boolean
  /** How many messages are ours and not done with. */
  readonly undone: () => number
  /** What a start has found to be due: the first segment says it in the write that counts messages, `ending` of which it ends. */
  readonly found: { readonly entries: readonly Entry[]; readonly ending: number }
  /** After each write, when its items have been told. */
  readonly written: (items: readonly Item[], bytes: number) => void
  readonly broken: (error: SpoolError) => void
  /** The segment that is written was taken away or replaced by somebody else. */
  readonly gone: (segment: Segment, why: string) => void
  readonly silence: Pick<Silence, 'during'>
}

export class Journal {
  readonly #parts: Parts
  readonly #writing: Shared<Item>
  readonly #older: Segment[]
  #active: Active | undefined
  #lastNumber: number
  #broken: SpoolError | undefined
  /**
   * What the next segment is to say: what the start has found, and that messages never were ours which were refused after their record
   * may have reached the disk.
   */
  #owed: readonly Entry[]
  /** How many of the messages that `#owed` ends are not done with by the records before. */
  #ending: number
  #largest: number
  /** Segments that could not be begun, and of which the disk did not remove a file. */
  #left: readonly Row[] = []
  #removing: Promise<void> | undefined
  /** The file is there that stands for a journal without segments. */
  #isEmptied: boolean
  /** When the segment was last seen under its name, on the clock of `performance`. */
  #lookedAt = performance.now()

  constructor(parts: Parts) {
    this.#parts = parts
    this.#older = [...parts.segments]
    this.#lastNumber = parts.lastNumber
    this.#isEmptied = parts.isEmptied
    this.#owed = parts.found.entries
    this.#ending = parts.found.ending
    this.#largest = largestOf(parts.segmentBytes, parts.segments)
    // A batch has hardly more octets than a segment: reports leave the size of the largest one, so one commit that outgrew the others
    // could take the room that mail had left for them.
    this.#writing = shared(
      (items) => parts.silence.during(this.#write(items)),
      (item) => weightOf(item, parts.segmentBytes),
      fullBatch,
    )
  }

  /** Oldest first; the last may be the one that is being written. */
  get segments(): readonly Segment[] {
    return this.#active === undefined ? this.#older : [...this.#older, this.#active.segment]
  }

  /** The oldest segment that may go: it is not being written any more, and is not the only one. */
  get oldest(): Segment | undefined {
    return this.#active === undefined && this.#older.length === 1 ? undefined : this.#older[0]
  }

  /** An older segment is damaged, and goes as soon as nothing in it is needed. */
  get damaged(): boolean {
    return this.#older.some((s) => s.damaged)
  }

  /** Octets of the largest segment, and at least what a new one may come to. */
  get largest(): number {
    return this.#largest
  }

  /** The oldest segment is gone from the folder. */
  forgetOldest(): void {
    const gone = this.#older.shift()
    if (gone?.bytes === this.#largest) this.#largest = largestOf(this.#parts.segmentBytes, this.segments)
  }

  /** Durable when it resolves. @throws SpoolError; it may then be durable or not. */
  append(record: Record): Promise<void> {
    return this.#writing.add({ ...record, since: performance.now() })
  }

  /** Begins a new segment if there is none that takes records. @throws SpoolError; the journal is then broken. */
  async mend(): Promise<void> {
    try {
      this.#active ??= await this.#begin()
      this.#broken = undefined
    } catch (error) {
      this.#broken = this.#error('a new segment of the journal could not be written', error)
      if (this.#broken.kind === 'full') await this.#empty().catch(ignored)
      throw this.#broken
    }
  }

  /**
   * Without room for a new segment the only one gives its own back, where nothing in it is needed. It is not deleted: a start
   * would take contents that were on their way in for those of lost records.
   */
  async #empty(): Promise<void> {
    const [last, ...others] = this.#older
    if (last === undefined || others.length > 0 || last.live > 0 || last.damaged || last.bytes === 0) return
    const { disk, paths } = this.#parts
    this.#isEmptied = true
    await disk.rename(paths.segment(last.name), paths.emptied).catch(unlessAbsent)
    // A loss of power may not leave a segment without octets under its own name.
    await disk.syncDirectory(paths.journal)
    const file = await disk.openToWrite(paths.emptied)
    try {
      await file.truncate(0)
    } finally {
      await file.close()
    }
    last.bytes = 0
    this.#largest = this.#parts.segmentBytes
  }

  /** Waits for what is being written; nothing is taken any more. */
  async close(): Promise<void> {
    await this.#writing.idle()
    await this.#removing
    this.#broken = new SpoolError('fault', `spool ${this.#parts.paths.directory} is closed`)
    // All in it is durable: an error here, as of a volume that is away, means nothing.
    await this.#abandon(({ file }) => file.close().catch(ignored))
  }

  async #write(items: readonly Item[]): Promise<void> {
    if (this.#broken) throw this.#broken
    try {
      const active = this.#hasRoom(this.#active) ? this.#active : await this.#nextSegment()
      if (performance.now() - this.#lookedAt >= lookAgainMs) await this.#mustBeInPlace(active.segment)
      await this.#writeTo(active, items)
    } catch (error) {
      const refused = items.flatMap(({ entry }) => (entry.kind === 'accepted' ? [entry.envelope.queueId] : []))
      this.#owed = [...this.#owed, ...refused.map((queueId): Entry => ({ kind: 'void', queueId }))]
      const broken = this.#error('the journal could not be written', error)
      this.#broken = broken
      this.#parts.broken(broken)
      // A failed fdatasync is never asked again: the kernel may have dropped what it could not write and would say that
      // all is well. So nothing more goes into this segment, and `mend` begins another.
      await this.#abandon(async ({ segment, file }) => {
        await file.truncate(segment.bytes).catch(ignored)
        await file.close().catch(ignored)
      })
      // Not the field: by now it may be mended.
      throw broken
    }
  }

  /** Throws where the segment was deleted or replaced: what is written to a file without a name is lost when this process ends. */
  async #mustBeInPlace(segment: Segment): Promise<void> {
    this.#lookedAt = performance.now()
    const { disk, paths, gone } = this.#parts
    const { name, bytes } = segment
    const size = await disk.size(paths.segment(name)).catch((error: unknown) => (isAbsent(error) ? 0 : bytes))
    if (size >= bytes) return
    const why = 'is gone or was replaced while this relay works: mail in it may be lost'
    gone(segment, why)
    throw new Error(`${name} ${why}`)
  }

  async #abandon(how: (active: Active) => Promise<void>): Promise<void> {
    const active = this.#active
    if (active === undefined) return
    this.#active = undefined
    this.#older.push(active.segment)
    await how(active)
  }

  async #writeTo({ segment, file }: Active, items: readonly Item[]): Promise<void> {
    const buffers: Buffer[] = []
    const places: Place[] = []
    const begin = segment.bytes
    let at = begin
    for (const { entry, content } of items) {
      const record = encode(segment.nonce, entry, content, at === begin)
      buffers.push(...record.buffers)
      places.push({ segment, at, bytes: record.bytes })
      at += record.bytes
    }
    await file.write(buffers, begin)
    await file.sync()
    segment.bytes = at
    this.#largest = Math.max(this.#largest, at)
    for (let i = 0; i < items.length; i++) items[i]?.durable?.(places[i] as Place)
    this.#parts.written(items, at - begin)
  }

  #hasRoom(active: Active | undefined): active is Active {
    return active !== undefined && active.segment.bytes < this.#parts.segmentBytes
  }

  async #nextSegment(): Promise<Active> {
    const active = this.#active
    const next = await this.#begin()
    if (active !== undefined) this.#older.push(active.segment)
    this.#active = next
    await active?.file.close().catch(ignored)
    return next
  }

  // It gets its name when its first record is durable: so a segment without a record is always damage, and never a crash of ours.
  async #begin(): Promise<Active> {
    const { disk, paths } = this.#parts
    this.#lastNumber += 1
    const segment = newSegment(this.#lastNumber, randomBytes(nonceBytes))
    const path = paths.segment(segment.name)
    const temporary = `${path}.tmp`
    const file = await disk.create(temporary)
    try {
      const owed = this.#owed
      const entries = [this.#opening(segment), ...owed]
      const records = entries.map((entry, n) => encode(segment.nonce, entry, undefined, n === 0))
      await file.write(
        records.flatMap((r) => r.buffers),
        0,
      )
      await file.sync()
      await disk.rename(temporary, path)
      await disk.syncDirectory(paths.journal)
      if (this.#isEmptied) this.#isEmptied = !(await this.#removed(paths.emptied))
      segment.bytes = records.reduce((sum, r) => sum + r.bytes, 0)
      this.#owed = this.#owed.slice(owed.length)
      this.#ending = 0
      if (this.#left.length > 0)
        this.#removing ??= this.#removeLeft().finally(() => {
          this.#removing = undefined
        })
      return { segment, file }
    } catch (error) {
      await file.close().catch(ignored)
      const gone = await Promise.all([temporary, path].map((p) => this.#removed(p)))
      if (gone.includes(false)) this.#left = withNext(this.#left, segment.number)
      throw error
    }
  }

  /** While the disk fails there is a try each second: what they leave would fill the volume, and its names the memory. */
  async #removeLeft(): Promise<void> {
    const rows = this.#left
    this.#left = []
    if (!(await this.#areRemoved(rows))) this.#left = [...rows, ...this.#left]
  }

  async #areRemoved(rows: readonly Row[]): Promise<boolean> {
    const { disk, paths } = this.#parts
    const names = await disk.list(paths.journal).catch(ignored)
    for (const name of names ?? []) {
      const begun = parseSegmentName(name.replace(/\.tmp$/, ''))
      if (begun === undefined || !rows.some(({ from, to }) => from <= begun.number && begun.number <= to)) continue
      if (!(await this.#removed(paths.segment(name)))) return false
    }
    return names !== undefined
  }

  async #removed(path: string): Promise<boolean> {
    const error = await this.#parts.disk.unlink(path).catch((failed: unknown) => failed)
    return error === undefined || isAbsent(error)
  }

  #opening({ name }: Segment): Entry {
    const ends = Object.fromEntries(this.segments.map((s) => [s.name, s.bytes]))
    return { kind: 'opened', version: journalVersion, ends, name, undone: this.#parts.undone() + this.#ending }
  }

  #error(what: string, cause: unknown): SpoolError {
    return spoolError(`spool ${this.#parts.paths.directory}: ${what}`, cause)
  }
}

/** Each try has the number after that of the one before: however many fail, they are one row. */
function withNext(rows: readonly Row[], number: number): readonly Row[] {
  const last = rows.at(-1)
  if (last?.to !== number - 1) return [...rows, { from: number, to: number }]
  return [...rows.slice(0, -1), { from: last.from, to: number }]
}

/** What a record takes of a full batch: time, and octets, of which a segment's are as much as a full batch's time. */
function weightOf({ entry, content }: Item, segmentBytes: number): number {
  const recipients = recipientsIn(entry)
  const octets = (content?.length ?? 0) + recipients * bytesOfOne
  return (entry.kind === 'accepted' ? answering : 0) + recipients + (fullBatch * octets) / segmentBytes
}

/** What is said of them may be long: then one counts as several. */
function recipientsIn(entry: Entry): number {
  if (entry.kind === 'accepted') return entry.envelope.forwardPaths.length
  return 'recipients' in entry ? stateBytes(entry.recipients) / bytesOfOne : 1
}

/** Octets of one recipient. */
const bytesOfOne = 128

/** What it takes to answer the client of a new message and to tell of it, in recipients. */
const answering = 64

/** Some 25 ms of the event loop. Behind one write a crowd that ends its messages at once would hold it for a third of a second. */
const fullBatch = 12_000

/** Rarely enough that it costs a commit nothing. */
const lookAgainMs = 1000

const largestOf = (segmentBytes: number, segments: readonly Segment[]): number =>
  segments.reduce((most, { bytes }) => Math.max(most, bytes), segmentBytes)

const ignored = (): void => {}

function unlessAbsent(error: unknown): void {
  if (!isAbsent(error)) throw error
}
