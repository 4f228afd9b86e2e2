/**
 * The opening of a spool: reads every record of the journal, and contents where they decide something; sweeps what was never
 * ours, and sets aside what is damaged.
 *
 * Damage is what the disk reads out and nobody wrote. What it fails to read out may be whole, and never counts as gone.
 */
import type { Events } from '../events.ts'
import { again } from './again.ts'
import { Ahead, closed } from './ahead.ts'
import { cutShort } from './cut-write.ts'
import type { Disk } from './disk.ts'
import { isAbsent, isOfNoFile, isOfTheMedium } from './disk-error.ts'
import { LostRecords } from './lost-records.ts'
import { Messages } from './messages.ts'
import { believeNewest, type Newest } from './newest-segment.ts'
import { OpenSegments } from './open-segments.ts'
import { originalOf } from './opening.ts'
import type { Paths } from './paths.ts'
import { isAside, setAside } from './quarantine.ts'
import { parseQueueId } from './queue-id.ts'
import { checkAll, type Entry, holdsRecord, journalVersion, type Piece, recordIn, scan, type Trust } from './record.ts'
import type { Register } from './register.ts'
import { Replay } from './replay.ts'
import { type Place, parseSegmentName, type Segment } from './segment.ts'
import { SpoolError } from './spool.ts'
import { unreachable } from './unreachable.ts'
import { notRead, WholeSegments } from './whole-segments.ts'

export type Recovered = {
  readonly segments: readonly Segment[]
  readonly lastNumber: number
  /** The messages that are ours. */
  readonly register: Register
  readonly ahead: Ahead
  /** Messages that have nothing left to do, or no content any more: their removal is still to be written. */
  readonly ended: readonly string[]
  /** DSNs that were lost before anybody heard of them: they are made void, so that no start takes their originals for reported. */
  readonly untold: readonly string[]
  /** Unfinished files and records, of which nobody was promised anything. */
  readonly swept: number
}

type Parts = { readonly disk: Disk; readonly paths: Paths; readonly events: Pick<Events, 'forgotten' | 'quarantined'> }

export async function recover(parts: Parts): Promise<Recovered> {
  return new Recovery(parts).run()
}

class Recovery {
  readonly #disk: Disk
  readonly #paths: Paths
  readonly #events: Parts['events']
  readonly #replay = new Replay()
  readonly #ahead = new Ahead()
  readonly #segments: Segment[] = []
  readonly #ended: string[] = []
  readonly #untold: string[] = []
  #damage = false
  readonly #lost = new LostRecords()
  /** Names of files in the folder of the journal that are moved aside at the end. */
  readonly #aside: string[] = []
  #swept = 0
  #lastNumber = 0

  constructor({ disk, paths, events }: Parts) {
    this.#disk = disk
    this.#paths = paths
    this.#events = events
  }

  async run(): Promise<Recovered> {
    const names = (await this.#disk.list(this.#paths.journal)).toSorted()
    await this.#readJournal(names)
    for (const segment of this.#segments) this.#checkEnd(segment)
    this.#checkReturned()
    await this.#checkMissing(names)
    await this.#closeReported()
    await this.#endWhatIsDone()
    this.#tellForgotten()
    await this.#sweepContent()
    // What was moved aside is durable there before the journal changes that names it: else the next start could sweep it.
    if (this.#damage) await this.#disk.syncDirectory(this.#paths.quarantine).catch(ignored)
    await this.#moveAside()
    return {
      segments: this.#segments,
      lastNumber: this.#lastNumber,
      register: this.#replay.register,
      ahead: this.#ahead,
      ended: this.#ended,
      untold: this.#untold,
      swept: this.#swept,
    }
  }

  async #readJournal(names: readonly string[]): Promise<void> {
    const segments = new WholeSegments(this.#disk)
    const newest = await believeNewest(names, { disk: this.#disk, paths: this.#paths, segments })
    for (const name of names) await this.#journalFile(name, names, segments, newest)
  }

  async #journalFile(name: string, names: readonly string[], segments: WholeSegments, newest: Newest): Promise<void> {
    const path = this.#paths.segment(name)
    const begun = parseSegmentName(name.replace(/\.tmp$/, ''))
    if (begun === undefined) return this.#noSegment(name, 'is no file of the journal')
    if (begun.number < farOff) this.#lastNumber = Math.max(this.#lastNumber, begun.number)
    if (name.endsWith('.tmp')) return this.#sweep(path, name)
    const once = name === newest.name ? undefined : await segments.read(path)
    const bytes = once && holdsRecord(once, begun.nonce) ? once : await segments.readTwice(path)
    const why = bytes === undefined ? 'is no file' : 'holds no whole record'
    if (bytes === undefined || !holdsRecord(bytes, begun.nonce)) {
      this.#lost.add(begun, Number.POSITIVE_INFINITY)
      return this.#noSegment(name, why)
    }
    const original = originalOf(bytes, begun, names)
    if (original !== undefined) return this.#noSegment(name, `is a copy of ${original}`)
    this.#lastNumber = Math.max(this.#lastNumber, begun.number)
    this.#segments.push(begun)
    await this.#segment(begun, bytes, newest, bytes === once ? () => segments.readTwice(path) : undefined)
  }

  /** `again` reads it anew, if it was read only once: damage counts when it is seen twice, since a network or memory may err. */
  async #segment(begun: Segment, bytes: Buffer, newest: Newest, again?: () => Promise<Buffer | undefined>) {
    const isNewest = begun.name === newest.name
    const all = scan(bytes, begun.nonce, isNewest ? checkAll : this.#isLeftTillLater)
    const end = newest.ends[begun.name] ?? Number.POSITIVE_INFINITY
    const sureFrom = again === undefined ? 0 : (newest.ends[begun.name] ?? bytes.length)
    const at = this.#pieces(begun, isNewest ? cutShort(bytes, all) : all, end, sureFrom)
    if (again === undefined || at >= sureFrom) return
    this.#pieces(begun, scan((await again()) ?? bytes, begun.nonce, this.#isLeftTillLater, at), end)
  }

  /** Takes the pieces, before `sureFrom` only up to the first that is no record; returns the octet that it has come to. */
  #pieces(segment: Segment, pieces: Iterable<Piece>, end: number, sureFrom = 0): number {
    let at = 0
    for (const piece of pieces) {
      if (piece.kind !== 'record' && piece.at < sureFrom) break
      if (piece.at < end) this.#piece(segment, piece)
      else this.#swept += 1
      if (piece.kind !== 'torn') at = piece.end
    }
    return at
  }

  /**
   * Contents that are checked when they are given out, and not at the start. Never those of the newest segment, whose end a crash
   * may have cut. In the others a content is checked where it decides on other records: a DSN closes what it reports, and a copy
   * takes the place of its original, which is still there if a crash or a failed write cut the copy short.
   */
  readonly #isLeftTillLater: Trust = (entry) =>
    !('envelope' in entry) ||
    (entry.envelope.reports === undefined && this.#replay.register.find(entry.envelope.queueId) === undefined)

  #noSegment(name: string, why: string): void {
    this.#quarantined(this.#paths.segment(name), why)
    this.#aside.push(name)
  }

  #piece(segment: Segment, piece: Piece): void {
    switch (piece.kind) {
      case 'torn':
        this.#swept += 1
        break
      case 'damaged':
        segment.bytes = piece.end
        if (piece.said === undefined) this.#lost.add(segment, piece.at)
        this.#damaged(segment, `${piece.why}, at octet ${piece.at}`)
        break
      case 'record':
        segment.bytes = piece.end
        this.#mustKnow(piece.entry)
        this.#replay.apply(segment, piece)
        break
      default:
        unreachable(piece)
    }
  }

  #mustKnow(entry: Entry): void {
    if (entry.kind === 'opened' && entry.version > journalVersion) {
      throw new SpoolError(
        'fault',
        `spool ${this.#paths.directory} was written by a newer version: run that version, or give this relay another folder`,
      )
    }
  }

  #checkEnd(segment: Segment): void {
    const known = this.#replay.endOf(segment)
    if (segment.bytes >= known) return
    this.#lost.add(segment, known)
    this.#damaged(segment, `ends at octet ${segment.bytes} of ${known}`)
  }

  // The oldest always goes first: a segment older than all that the newest one lists had been deleted, and then perhaps the
  // removals of its mail.
  #checkReturned(): void {
    const oldest = this.#oldestListed
    for (const segment of this.#segments) {
      if (segment.number >= oldest) continue
      this.#lost.add(segment, Number.POSITIVE_INFINITY)
      this.#damaged(segment, 'was given back before, or is of another spool: its mail may have left')
    }
  }

  // One that is gone while an older one is there was not deleted by us.
  async #checkMissing(names: readonly string[]): Promise<void> {
    const listed = this.#oldestListed
    const numbers = names.map((name) => parseSegmentName(name)?.number ?? Number.POSITIVE_INFINITY)
    const oldest = Math.min(...numbers.filter((number) => number >= listed))
    const missing = this.#replay.listed.filter((name) => !names.includes(name))
    const gone = missing.map(parseSegmentName).filter((segment) => segment !== undefined)
    for (const segment of gone) {
      if (segment.number < oldest) continue
      this.#lost.add(segment, Number.POSITIVE_INFINITY)
      this.#quarantined(this.#paths.segment(segment.name), 'is gone')
    }
    await this.#checkOldest(gone.filter(({ number }) => number < oldest))
  }

  /** The oldest ones, that are gone: by us, unless the newest one counts messages as ours that were in them. */
  async #checkOldest(gone: readonly Segment[]): Promise<void> {
    const { count } = this.#replay.absent
    const last = gone.at(-1)
    // Messages may also be missing because of damage that is told already.
    const isDamaged = !this.#lost.isEmpty || this.#segments.some(({ damaged }) => damaged)
    if (last === undefined || count === 0 || isDamaged) return
    for (const { name } of gone) if (await isAside(this.#disk, this.#paths, name)) return
    const what = `${count} ${count === 1 ? 'message that was' : 'messages that were'} ours`
    this.#quarantined(this.#paths.segment(last.name), `is gone, or one before it, and with it ${what}`)
  }

  /** The number of the oldest segment that the newest one lists; 0 where it lists none. */
  get #oldestListed(): number {
    const numbers = this.#replay.listed.map((name) => parseSegmentName(name)?.number ?? Number.POSITIVE_INFINITY)
    return numbers.length === 0 ? 0 : Math.min(...numbers)
  }

  #quarantined(file: string, why: string): void {
    this.#damage = true
    this.#events.quarantined(file, why)
  }

  #damaged(segment: Segment, why: string): void {
    segment.damaged = true
    this.#quarantined(this.#paths.segment(segment.name), why)
  }

  async #closeReported(): Promise<void> {
    const open = new OpenSegments(this.#disk, this.#paths)
    const read = (place: Place): Promise<Buffer> =>
      again(() => open.read(place)).catch((error: unknown) => {
        throw isOfTheMedium(error) ? notRead(this.#paths.segment(place.segment.name), error) : error
      })
    try {
      await this.#closeReportedIn(read)
    } finally {
      await open.close()
    }
  }

  /** Closes whom a DSN reports while the state of the message itself has them pending: the crash came between the two (case S25). */
  async #closeReportedIn(read: (place: Place) => Promise<Buffer>): Promise<void> {
    const { register } = this.#replay
    const { directory } = this.#paths
    const messages = new Messages({
      directory,
      register,
      ahead: this.#ahead,
      read,
      damaged: async () => {},
      damagedState: ignored,
    })
    for (const { handle, dsn: queueId, place } of this.#replay.reported()) {
      if (!(await this.#tells(queueId))) continue
      const dsn = recordIn(await read(place), place.segment.nonce)?.entry
      const forwardPaths = (dsn !== undefined && 'envelope' in dsn && dsn.envelope.reports?.forwardPaths) || []
      const before = (await messages.load(handle))?.message.recipients ?? []
      const after = closed(before, forwardPaths)
      if (after.every((r, i) => r === before[i])) continue
      this.#ahead.report(handle, forwardPaths)
      register.standing(handle, after)
    }
  }

  /** Whether anybody hears of this DSN. Not if it is ours without its content: it was refused, which removed that, or is damaged. */
  async #tells(dsn: string): Promise<boolean> {
    const { register } = this.#replay
    const handle = register.find(dsn)
    if (handle === undefined || register.isDone(handle) || !register.hasFile(handle)) return true
    if (await this.#hasContent(handle)) return true
    this.#untold.push(dsn)
    this.#forget(handle)
    return false
  }

  /** Ends what has nothing left to do, and what has a content, in a file of its own, that is gone or has another length. */
  async #endWhatIsDone(): Promise<void> {
    const { register } = this.#replay
    for (const handle of register.handles()) {
      const isSound = !register.isDone(handle) && (!register.hasFile(handle) || (await this.#hasContent(handle)))
      if (!isSound) this.#end(handle)
    }
  }

  #end(handle: number): void {
    this.#ended.push(this.#replay.register.outline(handle)?.queueId ?? '')
    this.#forget(handle)
  }

  #forget(handle: number): void {
    this.#ahead.forget(handle)
    this.#replay.register.remove(handle)
  }

  async #hasContent(handle: number): Promise<boolean> {
    const { queueId = '', bytes } = this.#replay.register.outline(handle) ?? {}
    const path = this.#paths.content(queueId)
    const size = await this.#disk.size(path).catch((error: unknown) => (isAbsent(error) ? 'gone' : undefined))
    // Where the size cannot be told, whoever reads the content will see.
    if (size === bytes || size === undefined) return true
    if (size !== 'gone') {
      // If it cannot be moved its message stays: without it nothing would name the content, and the next start would sweep it.
      return !(await this.#setAside(path, `${queueId}.eml`, `has ${size} octets instead of ${bytes}`))
    }
    this.#quarantined(path, 'is gone')
    return false
  }

  #tellForgotten(): void {
    if (this.#lost.isEmpty) return
    const { register } = this.#replay
    for (const handle of register.handles()) {
      const lastWord = register.placeOfState(handle) ?? register.placeOf(handle)
      const { queueId = '', disposition } = register.outline(handle) ?? {}
      if (lastWord && disposition === 'relay' && this.#lost.mayConcern(lastWord)) this.#events.forgotten(queueId)
    }
  }

  async #sweepContent(): Promise<void> {
    const names = await this.#disk.list(this.#paths.large)
    // Nothing is received before the first segment is there.
    if (this.#segments.length === 0 && this.#lost.isEmpty && names.some((name) => name.endsWith('.eml')))
      this.#quarantined(this.#paths.journal, 'has no segment, and there is content: its records are gone')
    for (const name of names) {
      const path = `${this.#paths.large}/${name}`
      const queueId = parseQueueId(name.replace(/\.eml$/, ''))
      if (name === 'probe') await this.#sweep(path, name)
      else if (queueId === undefined || !name.endsWith('.eml')) await this.#setAside(path, name, 'is no content')
      else if (this.#replay.register.find(queueId) !== undefined) continue
      // The record that would name it may be among the damaged ones.
      else if (this.#damage) await this.#setAside(path, name, 'no record names it, and records are damaged')
      else await this.#sweep(path, name)
    }
  }

  /** Deletes it. A folder cannot be deleted so, and would be in the way of a file of that name: it is moved aside. */
  async #sweep(path: string, name: string): Promise<void> {
    this.#swept += 1
    const kept = await this.#disk.unlink(path).catch((error: unknown) => error)
    if (isOfNoFile(kept)) await this.#setAside(path, name, 'is a folder')
  }

  async #setAside(path: string, name: string, why: string): Promise<boolean> {
    this.#quarantined(path, why)
    return setAside(this.#disk, this.#paths, path, name)
  }

  // After all else: if this start fails, the next one finds them in their place. Otherwise it would see no damage, and sweep
  // contents whose records are in them.
  async #moveAside(): Promise<void> {
    for (const name of this.#aside) await setAside(this.#disk, this.#paths, this.#paths.segment(name), name)
  }
}

/** A file with such a number and no record is not ours: no journal gets so far, and names behind it would soon lack a digit. */
const farOff = 9_000_000_000

const ignored = (): undefined => {}
