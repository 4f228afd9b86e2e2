/** Opening: reads every record of the journal, sweeps what was never ours, and sets aside what is damaged. */
import type { Events } from '../events.ts'
import { unreachable } from '../mail/outcome.ts'
import type { Disk } from './disk.ts'
import type { Paths } from './paths.ts'
import { parseQueueId } from './queue-id.ts'
import { type Entry, journalVersion, type Piece, scan } from './record.ts'
import { finished, Replay } from './replay.ts'
import { type Held, leave, parseSegmentName, type Segment } from './segment.ts'
import { SpoolError } from './spool.ts'

export type Recovered = {
  readonly segments: readonly Segment[]
  readonly lastNumber: number
  readonly messages: readonly Held[]
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
  readonly #segments: Segment[] = []
  readonly #ended: string[] = []
  #damage = false
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
    const names = await this.#disk.list(this.#paths.journal)
    for (const name of names.toSorted()) await this.#journalFile(name)
    for (const segment of this.#segments) this.#checkEnd(segment)
    const messages = await this.#withContent(this.#replay.messages().filter((h) => !this.#isFinished(h)))
    await this.#sweepContent(new Set(messages.map((h) => h.message.envelope.queueId)))
    return {
      segments: this.#segments,
      lastNumber: this.#lastNumber,
      messages,
      ended: this.#ended,
      swept: this.#swept,
    }
  }

  async #journalFile(name: string): Promise<void> {
    const path = this.#paths.segment(name)
    const begun = parseSegmentName(name.replace(/\.tmp$/, ''))
    if (begun === undefined) return this.#setAside(path, name, 'is no file of the journal')
    this.#lastNumber = Math.max(this.#lastNumber, begun.number)
    if (name.endsWith('.tmp')) return this.#sweep(path)
    const bytes = await this.#read(path)
    if (bytes === undefined) return this.#setAside(path, name, 'cannot be read')
    const pieces = [...scan(bytes, begun.nonce)]
    if (!pieces.some((p) => p.kind === 'record')) return this.#setAside(path, name, 'holds no whole record')
    this.#segments.push(begun)
    for (const piece of pieces) this.#piece(begun, piece)
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

  #isFinished(held: Held): boolean {
    if (!finished(held.message)) return false
    this.#end(held)
    return true
  }

  #end(held: Held): void {
    leave(held)
    this.#ended.push(held.message.envelope.queueId)
  }

  /** Without those whose content, in a file of its own, is gone or has another length. */
  async #withContent(all: readonly Held[]): Promise<readonly Held[]> {
    const whole: Held[] = []
    for (const held of all) {
      if (held.file === undefined || (await this.#hasContent(held))) whole.push(held)
      else this.#end(held)
    }
    return whole
  }

  async #hasContent({ message }: Held): Promise<boolean> {
    const { queueId, bytes } = message.envelope
    const path = this.#paths.content(queueId)
    const size = await this.#disk.size(path).catch(() => undefined)
    if (size === bytes) return true
    if (size === undefined) this.#quarantined(path, 'is gone or cannot be read')
    else await this.#setAside(path, `${queueId}.eml`, `has ${size} octets instead of ${bytes}`)
    return false
  }

  async #sweepContent(ours: ReadonlySet<string>): Promise<void> {
    for (const name of await this.#disk.list(this.#paths.large)) {
      const path = `${this.#paths.large}/${name}`
      const queueId = parseQueueId(name.replace(/\.eml$/, ''))
      if (name === 'probe') await this.#sweep(path)
      else if (queueId === undefined || !name.endsWith('.eml')) await this.#setAside(path, name, 'is no content')
      else if (ours.has(queueId)) continue
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
      const bytes = Buffer.allocUnsafe(await this.#disk.size(path))
      const file = await this.#disk.open(path)
      try {
        return bytes.subarray(0, await file.read(bytes, 0))
      } finally {
        await file.close()
      }
    } catch (error) {
      if (error instanceof Error && 'code' in error && unreadable.includes(error.code)) return undefined
      throw error
    }
  }
}

const unreadable: readonly unknown[] = ['EIO', 'EISDIR']
const ignored = (): void => {}
