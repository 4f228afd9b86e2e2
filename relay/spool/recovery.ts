/**
 * The opening of a spool: the journal is read, whom a DSN reports is closed, what has nothing left to do is ended, and contents that
 * no record names are swept, or set aside where records are damaged.
 */
import { again } from './again.ts'
import { Ahead, closed } from './ahead.ts'
import type { Disk } from './disk.ts'
import { isAbsent, isOfTheMedium } from './disk-error.ts'
import { Findings, type OpeningParts } from './findings.ts'
import { JournalReading } from './journal-reading.ts'
import { Messages } from './messages.ts'
import { OpenSegments } from './open-segments.ts'
import type { Paths } from './paths.ts'
import { parseQueueId } from './queue-id.ts'
import { type Entry, recordIn } from './record.ts'
import type { Register } from './register.ts'
import type { Place, Segment } from './segment.ts'
import { notRead } from './whole-segments.ts'

export type Recovered = {
  readonly segments: readonly Segment[]
  readonly lastNumber: number
  readonly isEmptied: boolean
  /** The messages that are ours. */
  readonly register: Register
  readonly ahead: Ahead
  /** What the journal is to say of all this, in this order: removals come behind the states of the same messages. */
  readonly entries: readonly Entry[]
  /** How many messages were not done with, by the records alone. */
  readonly undone: number
  /** Unfinished files and records, of which nobody was promised anything. */
  readonly swept: number
}

export async function recover(parts: OpeningParts): Promise<Recovered> {
  return new Recovery(parts).run()
}

class Recovery {
  readonly #disk: Disk
  readonly #paths: Paths
  readonly #events: OpeningParts['events']
  readonly #findings: Findings
  readonly #journal: JournalReading
  readonly #ahead = new Ahead()
  readonly #entries: Entry[] = []

  constructor(parts: OpeningParts) {
    const { disk, paths, events } = parts
    this.#disk = disk
    this.#paths = paths
    this.#events = events
    this.#findings = new Findings(parts)
    this.#journal = new JournalReading(disk, paths, this.#findings)
  }

  async run(): Promise<Recovered> {
    await this.#journal.read()
    const { undone } = this.#register
    await this.#closeReported()
    await this.#endWhatIsDone()
    this.#tellForgotten()
    await this.#sweepContent()
    // What was moved aside is durable there before the journal changes that names it: else the next start could sweep it.
    if (this.#findings.damage) await this.#disk.syncDirectory(this.#paths.quarantine).catch(ignored)
    await this.#journal.moveAside()
    const { segments, lastNumber, isEmptied } = this.#journal
    return {
      segments,
      lastNumber,
      isEmptied,
      register: this.#register,
      ahead: this.#ahead,
      entries: this.#entries,
      undone,
      swept: this.#findings.swept,
    }
  }

  get #register(): Register {
    return this.#journal.replay.register
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
    const register = this.#register
    const { directory } = this.#paths
    const messages = new Messages({
      directory,
      register,
      ahead: this.#ahead,
      read,
      damaged: async () => {},
      damagedState: ignored,
    })
    for (const { handle, dsn: queueId, place } of this.#journal.replay.reported()) {
      if (!(await this.#tells(queueId))) continue
      const dsn = recordIn(await read(place), place.segment.nonce)?.entry
      const forwardPaths = (dsn !== undefined && 'envelope' in dsn && dsn.envelope.reports?.forwardPaths) || []
      const { message } = (await messages.load(handle)) ?? {}
      const before = message?.recipients ?? []
      const after = closed(before, forwardPaths)
      if (message === undefined || after.every((r, i) => r === before[i])) continue
      // A copy that was on its way when the DSN came to be may lie in the next segment, and outlive that of the DSN.
      if ((register.placeOf(handle)?.segment.number ?? 0) > place.segment.number)
        this.#entries.push({ kind: 'state', queueId: message.envelope.queueId, recipients: after })
      this.#ahead.report(handle, forwardPaths)
      register.standing(handle, after)
    }
  }

  /** Whether anybody hears of this DSN. Not if it is ours without its content: it was refused, which removed that, or is damaged. */
  async #tells(dsn: string): Promise<boolean> {
    const register = this.#register
    const handle = register.find(dsn)
    if (handle === undefined || register.isDone(handle) || !register.hasFile(handle)) return true
    if (await this.#hasContent(handle)) return true
    // No later start may take its originals for reported.
    this.#entries.push({ kind: 'void', queueId: dsn })
    this.#forget(handle)
    return false
  }

  /** Ends what has nothing left to do, and what has a content, in a file of its own, that is gone or has another length. */
  async #endWhatIsDone(): Promise<void> {
    const register = this.#register
    for (const handle of register.handles()) {
      const isSound = !register.isDone(handle) && (!register.hasFile(handle) || (await this.#hasContent(handle)))
      if (!isSound) this.#end(handle)
    }
  }

  #end(handle: number): void {
    this.#entries.push({ kind: 'removed', queueId: this.#register.outline(handle)?.queueId ?? '' })
    this.#forget(handle)
  }

  #forget(handle: number): void {
    this.#ahead.forget(handle)
    this.#register.remove(handle)
  }

  async #hasContent(handle: number): Promise<boolean> {
    const { queueId = '', bytes } = this.#register.outline(handle) ?? {}
    const path = this.#paths.content(queueId)
    const size = await this.#disk.size(path).catch((error: unknown) => (isAbsent(error) ? 'gone' : undefined))
    // Where the size cannot be told, whoever reads the content will see.
    if (size === bytes || size === undefined) return true
    if (size !== 'gone') {
      // If it cannot be moved its message stays: without it nothing would name the content, and the next start would sweep it.
      return !(await this.#findings.setAside(path, `${queueId}.eml`, `has ${size} octets instead of ${bytes}`))
    }
    this.#findings.tell(path, 'is gone')
    return false
  }

  #tellForgotten(): void {
    if (this.#journal.lost.isEmpty) return
    const register = this.#register
    for (const handle of register.handles()) {
      const lastWord = register.placeOfState(handle) ?? register.placeOf(handle)
      const { queueId = '', disposition } = register.outline(handle) ?? {}
      if (lastWord && disposition === 'relay' && this.#journal.lost.mayConcern(lastWord))
        this.#events.forgotten(queueId)
    }
  }

  async #sweepContent(): Promise<void> {
    const names = await this.#disk.list(this.#paths.large)
    // Nothing is received before the first segment is there.
    if (
      this.#journal.segments.length === 0 &&
      !this.#journal.isEmptied &&
      this.#journal.lost.isEmpty &&
      names.some((name) => name.endsWith('.eml'))
    )
      this.#findings.tell(this.#paths.journal, 'has no segment, and there is content: its records are gone')
    for (const name of names) {
      const path = `${this.#paths.large}/${name}`
      const queueId = parseQueueId(name.replace(/\.eml$/, ''))
      if (name === 'probe') await this.#findings.sweep(path, name)
      else if (queueId === undefined || !name.endsWith('.eml'))
        await this.#findings.setAside(path, name, 'is no content')
      else if (this.#register.find(queueId) !== undefined) continue
      // The record that would name it may be among the damaged ones.
      else if (this.#findings.damage)
        await this.#findings.setAside(path, name, 'no record names it, and records are damaged')
      else await this.#findings.sweep(path, name)
    }
  }
}

const ignored = (): undefined => {}
