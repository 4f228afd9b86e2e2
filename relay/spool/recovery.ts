/** Opening: reads every record of the journal (contents only where they may decide something), sweeps what was never ours, and sets aside what is damaged. */
import type { Events } from '../events.ts'
import { unreachable } from '../mail/outcome.ts'
import { Ahead, closed } from './ahead.ts'
import type { Disk } from './disk.ts'
import { Messages } from './messages.ts'
import { OpenSegments } from './open-segments.ts'
import type { Paths } from './paths.ts'
import { parseQueueId } from './queue-id.ts'
import { type Entry, journalVersion, type Piece, recordIn, scan, type Trust } from './record.ts'
import type { Register } from './register.ts'
import { Replay } from './replay.ts'
import { parseSegmentName, type Segment } from './segment.ts'
import { SpoolError } from './spool.ts'

export type Recovered = {
  readonly segments: readonly Segment[]
  readonly lastNumber: number
  /** The messages that are ours. */
  readonly register: Register
  readonly ahead: Ahead
  /** Messages whose removal was not written: nothing is left to do for them, or to do it with. */
  readonly ended: readonly string[]
  /** Unfinished files and records, of which nobody was promised anything. */
  readonly swept: number
}

type Parts = { readonly disk: Disk; readonly paths: Paths; readonly events: Pick<Events, 'quarantined'> }

export async function recover(parts: Parts): Promise<Recovered> {
  return new Recovery(parts).run()
}

class Recovery {
  readonly #disk: Disk
  readonly #paths: Paths
  readonly #quarantined: (file: string, why: string) => void
  readonly #replay = new Replay()
  readonly #ahead = new Ahead()
  readonly #segments: Segment[] = []
  readonly #ended: string[] = []
  #damage = false
  /** One for all segments. */
  #buffer: Buffer = Buffer.of()
  #swept = 0
  #lastNumber = 0

  constructor({ disk, paths, events }: Parts) {
    this.#disk = disk
    this.#paths = paths
    this.#quarantined = (file, why) => {
      this.#damage = true
      events.quarantined(file, why)
    }
  }

  async run(): Promise<Recovered> {
    const names = (await this.#disk.list(this.#paths.journal)).toSorted()
    const newest = names.findLast((name) => !name.endsWith('.tmp'))
    for (const name of names) await this.#journalFile(name, name === newest ? checkAll : checkReports)
    this.#buffer = Buffer.of()
    for (const segment of this.#segments) this.#checkEnd(segment)
    await this.#closeReported()
    await this.#endWhatIsDone()
    await this.#sweepContent()
    return {
      segments: this.#segments,
      lastNumber: this.#lastNumber,
      register: this.#replay.register,
      ahead: this.#ahead,
      ended: this.#ended,
      swept: this.#swept,
    }
  }

  async #journalFile(name: string, trust: Trust): Promise<void> {
    const path = this.#paths.segment(name)
    const begun = parseSegmentName(name.replace(/\.tmp$/, ''))
    if (begun === undefined) return this.#setAside(path, name, 'is no file of the journal')
    this.#lastNumber = Math.max(this.#lastNumber, begun.number)
    if (name.endsWith('.tmp')) return this.#sweep(path)
    const bytes = await this.#read(path)
    if (bytes === undefined) return this.#setAside(path, name, 'cannot be read')
    if (!holdsRecord(bytes, begun.nonce)) return this.#setAside(path, name, 'holds no whole record')
    this.#segments.push(begun)
    for (const piece of scan(bytes, begun.nonce, trust)) this.#piece(begun, piece)
  }

  #piece(segment: Segment, piece: Piece): void {
    switch (piece.kind) {
      case 'torn':
        this.#swept += 1
        break
      case 'damaged':
        segment.bytes = piece.end
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
    if (segment.bytes < known) this.#damaged(segment, `ends at octet ${segment.bytes} of ${known}`)
  }

  #damaged(segment: Segment, why: string): void {
    segment.damaged = true
    this.#quarantined(this.#paths.segment(segment.name), why)
  }

  /** What DSNs report, and the state of the message itself does not say yet: the crash came between (case S25). */
  async #closeReported(): Promise<void> {
    const { register } = this.#replay
    const open = new OpenSegments(this.#disk, this.#paths)
    const messages = new Messages({
      directory: this.#paths.directory,
      register,
      ahead: this.#ahead,
      read: (place) => open.read(place),
      damaged: ignored,
      damagedState: ignored,
    })
    for (const { handle, place } of this.#replay.reported()) {
      const dsn = await open.read(place).then((bytes) => recordIn(bytes, place.segment.nonce)?.entry, ignored)
      const forwardPaths = (dsn !== undefined && 'envelope' in dsn && dsn.envelope.reports?.forwardPaths) || []
      const before = (await messages.load(handle).catch(ignored))?.message.recipients ?? []
      const after = closed(before, forwardPaths)
      if (after.every((r, i) => r === before[i])) continue
      this.#ahead.report(handle, forwardPaths)
      register.standing(handle, after)
    }
    await open.close()
  }

  /** Without those that have nothing left to do, and those whose content, in a file of its own, is gone or has another length. */
  async #endWhatIsDone(): Promise<void> {
    const { register } = this.#replay
    for (const handle of register.handles()) {
      const isSound = !register.isDone(handle) && (!register.hasFile(handle) || (await this.#hasContent(handle)))
      if (!isSound) this.#end(handle)
    }
  }

  #end(handle: number): void {
    this.#ended.push(this.#replay.register.outline(handle)?.queueId ?? '')
    this.#ahead.forget(handle)
    this.#replay.register.remove(handle)
  }

  async #hasContent(handle: number): Promise<boolean> {
    const { queueId = '', bytes } = this.#replay.register.outline(handle) ?? {}
    const path = this.#paths.content(queueId)
    const size = await this.#disk.size(path).catch(() => undefined)
    if (size === bytes) return true
    if (size === undefined) this.#quarantined(path, 'is gone or cannot be read')
    else await this.#setAside(path, `${queueId}.eml`, `has ${size} octets instead of ${bytes}`)
    return false
  }

  async #sweepContent(): Promise<void> {
    for (const name of await this.#disk.list(this.#paths.large)) {
      const path = `${this.#paths.large}/${name}`
      const queueId = parseQueueId(name.replace(/\.eml$/, ''))
      if (name === 'probe') await this.#sweep(path)
      else if (queueId === undefined || !name.endsWith('.eml')) await this.#setAside(path, name, 'is no content')
      else if (this.#replay.register.find(queueId) !== undefined) continue
      // The record that would name it may be among the damaged ones.
      else if (this.#damage) await this.#setAside(path, name, 'no record names it, and records are damaged')
      else await this.#sweep(path)
    }
  }

  async #sweep(path: string): Promise<void> {
    this.#swept += 1
    await this.#disk.unlink(path).catch(ignored)
  }

  // A disk that cannot even rename must not keep us from the mail that is whole.
  async #setAside(path: string, name: string, why: string): Promise<void> {
    this.#quarantined(path, why)
    const taken = new Set(await this.#disk.list(this.#paths.quarantine))
    let free = name
    for (let n = 1; taken.has(free); n += 1) free = `${name}.${n}`
    await this.#disk.rename(path, this.#paths.setAside(free)).catch(ignored)
  }

  /** Undefined when the disk fails, or it is a folder; what a person must mend (EACCES, EMFILE) stops the start. */
  async #read(path: string): Promise<Buffer | undefined> {
    try {
      const size = await this.#disk.size(path)
      // Segments differ by their last write: a little more suffices for all.
      if (this.#buffer.length < size) this.#buffer = Buffer.allocUnsafeSlow(Math.ceil(1.2 * size))
      const file = await this.#disk.open(path)
      try {
        return this.#buffer.subarray(0, await file.read(this.#buffer.subarray(0, size), 0))
      } finally {
        await file.close()
      }
    } catch (error) {
      if (error instanceof Error && 'code' in error && unreadable.includes(error.code)) return undefined
      throw error
    }
  }
}

/**
 * The end of the newest segment may have been cut by a crash: every content in it is checked. All older ones were synced
 * before the next one got its name, so a look at theirs can wait until they are given out, except where they decide on
 * other messages: a DSN closes what it reports.
 */
const checkAll: Trust = () => false
const checkReports: Trust = (entry) => !('envelope' in entry && entry.envelope.reports !== undefined)

function holdsRecord(bytes: Buffer, nonce: Buffer): boolean {
  for (const { kind } of scan(bytes, nonce)) if (kind === 'record') return true
  return false
}

const unreadable: readonly unknown[] = ['EIO', 'EISDIR']
const ignored = (): undefined => {}
