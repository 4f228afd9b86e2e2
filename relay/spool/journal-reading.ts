/**
 * The journal as an opening reads it: every record, of all segments, and what of them is damaged or missing. Contents are read where
 * they decide something.
 *
 * Damage is what the disk reads out and nobody wrote. What it fails to read out may be whole, and never counts as gone.
 */
import { cutShort } from './cut-write.ts'
import type { Disk } from './disk.ts'
import type { Findings } from './findings.ts'
import { LostRecords } from './lost-records.ts'
import { believeNewest, type Newest } from './newest-segment.ts'
import { originalOf } from './opening.ts'
import type { Paths } from './paths.ts'
import { isAside, setAside } from './quarantine.ts'
import { checkAll, type Entry, holdsRecord, journalVersion, type Piece, scan, type Trust } from './record.ts'
import { Replay } from './replay.ts'
import { parseSegmentName, type Segment } from './segment.ts'
import { SpoolError } from './spool.ts'
import { unreachable } from './unreachable.ts'
import { WholeSegments } from './whole-segments.ts'

export class JournalReading {
  readonly #disk: Disk
  readonly #paths: Paths
  readonly #findings: Findings
  /** What the records say, when all are read. */
  readonly replay = new Replay()
  /** Where records are damaged or gone. */
  readonly lost = new LostRecords()
  #segments: Segment[] = []
  /** Those with a record of a message that may be ours: all but openings, removals and voids. */
  readonly #withMail = new Set<Segment>()
  /** Names of files in the folder of the journal that are moved aside at the end. */
  readonly #aside: string[] = []
  #lastNumber = 0
  #hasEmptied = false

  constructor(disk: Disk, paths: Paths, findings: Findings) {
    this.#disk = disk
    this.#paths = paths
    this.#findings = findings
  }

  get segments(): readonly Segment[] {
    return this.#segments
  }

  get lastNumber(): number {
    return this.#lastNumber
  }

  /** There is none, since nothing was needed of the last one. */
  get isEmptied(): boolean {
    return this.#segments.length === 0 && this.#hasEmptied
  }

  /** @throws SpoolError where a segment can not be read, or is of a newer version. */
  async read(): Promise<void> {
    const names = (await this.#disk.list(this.#paths.journal)).toSorted()
    const segments = new WholeSegments(this.#disk)
    const newest = await believeNewest(names, { disk: this.#disk, paths: this.#paths, segments })
    for (const name of names) await this.#file(name, names, segments, newest)
    for (const segment of this.#segments) this.#checkEnd(segment)
    await this.#checkReturned()
    await this.#checkMissing(names)
    if (this.#hasEmptied && !this.isEmptied) await this.#findings.sweep(this.#paths.emptied, 'emptied')
  }

  /**
   * After all else: if this start fails, the next one finds them in their place. Otherwise it would see no damage, and sweep
   * contents whose records are in them.
   */
  async moveAside(): Promise<void> {
    for (const name of this.#aside) {
      const path = this.#paths.segment(name)
      const whyNot = await setAside(this.#disk, this.#paths, path, name)
      if (whyNot !== undefined) this.#findings.tell(path, `can not be set aside: ${whyNot}`)
    }
  }

  async #file(name: string, names: readonly string[], segments: WholeSegments, newest: Newest): Promise<void> {
    const path = this.#paths.segment(name)
    if (path === this.#paths.emptied) {
      this.#hasEmptied = true
      return
    }
    const begun = parseSegmentName(name.replace(/\.tmp$/, ''))
    if (begun === undefined) return this.#noSegment(name, 'is no file of the journal')
    if (begun.number < farOff) this.#lastNumber = Math.max(this.#lastNumber, begun.number)
    if (name.endsWith('.tmp')) return this.#findings.sweep(path, name)
    const once = name === newest.name ? undefined : await segments.read(path)
    const bytes = once && holdsRecord(once, begun.nonce) ? once : await segments.readTwice(path)
    const why = bytes === undefined ? 'is no file' : 'holds no whole record'
    if (bytes === undefined || !holdsRecord(bytes, begun.nonce)) {
      this.lost.add(begun, Number.POSITIVE_INFINITY)
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
      else this.#findings.sweepRecord()
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
    (entry.envelope.reports === undefined && this.replay.register.find(entry.envelope.queueId) === undefined)

  #noSegment(name: string, why: string): void {
    this.#findings.tell(this.#paths.segment(name), why)
    this.#aside.push(name)
  }

  #piece(segment: Segment, piece: Piece): void {
    switch (piece.kind) {
      case 'torn':
        this.#findings.sweepRecord()
        break
      case 'damaged':
        segment.bytes = piece.end
        if (piece.said === undefined) this.lost.add(segment, piece.at)
        this.#damaged(segment, `${piece.why}, at octet ${piece.at}`)
        break
      case 'record':
        segment.bytes = piece.end
        this.#mustKnow(piece.entry)
        if (ofMail.includes(piece.entry.kind)) this.#withMail.add(segment)
        this.replay.apply(segment, piece)
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
    const known = this.replay.endOf(segment)
    if (segment.bytes >= known) return
    this.lost.add(segment, known)
    this.#damaged(segment, `ends at octet ${segment.bytes} of ${known}`)
  }

  // The oldest always goes first: a segment older than all that the newest one lists had been deleted, and then perhaps the
  // removals of its mail. Without mail, it is one that could not be begun, nor removed by a disk that failed then.
  async #checkReturned(): Promise<void> {
    const oldest = this.#oldestListed
    for (const segment of this.#segments.filter(({ number }) => number < oldest)) {
      if (this.#withMail.has(segment) || segment.damaged) {
        this.lost.add(segment, Number.POSITIVE_INFINITY)
        this.#damaged(segment, 'was given back before, or is of another spool: its mail may have left')
      } else {
        this.#segments = this.#segments.filter((other) => other !== segment)
        await this.#findings.sweep(this.#paths.segment(segment.name), segment.name)
      }
    }
  }

  // One that is gone while an older one is there was not deleted by us; those that could not be begun, nor removed, do not count.
  async #checkMissing(names: readonly string[]): Promise<void> {
    const { listed } = this.replay
    const oldest = Math.min(...listed.filter((name) => names.includes(name)).map(numberOf))
    const missing = listed.filter((name) => !names.includes(name))
    const gone = missing.map(parseSegmentName).filter((segment) => segment !== undefined)
    for (const segment of gone) {
      if (segment.number < oldest) continue
      this.lost.add(segment, Number.POSITIVE_INFINITY)
      this.#findings.tell(this.#paths.segment(segment.name), 'is gone')
    }
    await this.#checkOldest(gone.filter(({ number }) => number < oldest))
  }

  /** The oldest ones, that are gone: by us, unless the newest one counts messages as ours that were in them. */
  async #checkOldest(gone: readonly Segment[]): Promise<void> {
    const { count } = this.replay.absent
    const last = gone.at(-1)
    // Messages may also be missing because of damage that is told already.
    const isDamaged = !this.lost.isEmpty || this.#segments.some(({ damaged }) => damaged)
    if (last === undefined || count === 0 || isDamaged) return
    for (const { name } of gone) if (await isAside(this.#disk, this.#paths, name)) return
    const what = `${count} ${count === 1 ? 'message that was' : 'messages that were'} ours`
    this.#findings.tell(this.#paths.segment(last.name), `is gone, or one before it, and with it ${what}`)
  }

  /** The number of the oldest segment that the newest one lists; 0 where it lists none. */
  get #oldestListed(): number {
    const numbers = this.replay.listed.map(numberOf)
    return numbers.length === 0 ? 0 : Math.min(...numbers)
  }

  #damaged(segment: Segment, why: string): void {
    segment.damaged = true
    this.#findings.tell(this.#paths.segment(segment.name), why)
  }
}

const numberOf = (name: string): number => parseSegmentName(name)?.number ?? Number.POSITIVE_INFINITY

/** A file with such a number and no record is not ours: no journal gets so far, and names behind it would soon lack a digit. */
const farOff = 9_000_000_000

const ofMail: readonly Entry['kind'][] = ['accepted', 'moved', 'state']
