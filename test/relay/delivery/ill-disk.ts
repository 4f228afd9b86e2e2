/** A disk in memory that a story makes slow, silent, full or ill, and that a kill or a loss of power leaves as it is at any moment. */
import type { QueuedMessage } from '../../../relay/mail/envelope.ts'
import type { Disk, DiskFile } from '../../../relay/spool/disk.ts'
import { JournalSpool } from '../../../relay/spool/journal-spool.ts'
import { messagesOf } from '../spool/contents.ts'
import type { LosingDisk } from '../spool/losing-disk.ts'
import { listening } from '../spool/samples.ts'
import { whimsical } from '../spool/whimsical.ts'

export type Illness = {
  /** The probability that a call fails. */
  readonly failures: number
  /** A call that always fails in one folder, as `sync journal`. */
  readonly ill: string | undefined
  /** The probability that a read of a file that was read right for a minute has a wrong octet, or too few. */
  readonly misreads: number
  /** The longest time that a call takes, in milliseconds. */
  readonly latencyMs: number
  /** No call is answered until this is over. */
  readonly isSilent: boolean
}
export const well: Illness = { failures: 0, ill: undefined, misreads: 0, latencyMs: 0, isSilent: false }
export const isWell = ({ misreads, ...is }: Illness): boolean => isWhole(is) && misreads === 0
/** Whatever it does, it leaves nothing half done. */
export const isWhole = ({ failures, ill, isSilent }: Omit<Illness, 'misreads'>): boolean =>
  failures === 0 && ill === undefined && !isSilent

const rightForMs = 60_000

const atStart = ['EIO', 'EMFILE', 'ENOMEM']
const atWork = ['EIO', 'EMFILE', 'ENOSPC', 'EROFS']

export class IllDisk {
  is: Illness = well
  /** ENOSPC is no error of a start here: that a full disk may leave unsynced what was found is decided (newest-segment.ts). */
  isStarting = true
  /** Calls that need no time to pass. */
  underWay = 0
  readonly losing: LosingDisk
  readonly disk: Disk
  readonly #dice: () => number
  #answers: (() => void)[] = []
  /** When each file was read wrong last. */
  readonly #misread = new Map<string, number>()

  constructor(losing: LosingDisk, dice: () => number) {
    this.losing = losing
    this.#dice = dice
    const whims = { dice, failures: () => this.is.failures, ill: () => this.is.ill }
    const disk = whimsical(losing.disk, { ...whims, codes: () => (this.isStarting ? atStart : atWork) })
    this.disk = {
      create: (path) => this.#call(async () => this.#file(path, await disk.create(path))),
      open: (path) => this.#call(async () => this.#file(path, await disk.open(path))),
      openToWrite: (path) => this.#call(async () => this.#file(path, await disk.openToWrite(path))),
      size: (path) => this.#call(() => disk.size(path)),
      isFile: (path) => this.#call(() => disk.isFile(path)),
      list: (path) => this.#call(() => disk.list(path)),
      rename: (from, to) => this.#call(() => disk.rename(from, to)),
      unlink: (path) => this.#call(() => disk.unlink(path)),
      makeDirectory: (path) => this.#call(() => disk.makeDirectory(path)),
      syncDirectory: (path) => this.#call(() => disk.syncDirectory(path)),
      space: (path) => this.#call(() => disk.space(path)),
    }
  }

  set(is: Illness): void {
    this.is = is
    if (!is.isSilent) for (const answer of this.#answers.splice(0)) answer()
  }

  #file(path: string, file: DiskFile): DiskFile {
    return {
      write: (...given) => this.#call(() => file.write(...given)),
      read: (into, position) => this.#call(async () => this.#asRead(path, into, await file.read(into, position))),
      sync: () => this.#call(() => file.sync()),
      truncate: (bytes) => this.#call(() => file.truncate(bytes)),
      close: () => file.close(),
    }
  }

  #asRead(path: string, into: Buffer, got: number): number {
    const isRight = got === 0 || this.isStarting || Date.now() - (this.#misread.get(path) ?? 0) < rightForMs
    if (isRight || this.#dice() >= this.is.misreads) return got
    this.#misread.set(path, Date.now())
    const at = Math.floor(this.#dice() * got)
    if (this.#dice() < 0.5) return at
    into[at] = (into[at] ?? 0) ^ 1
    return got
  }

  async #call<T>(deed: () => Promise<T>): Promise<T> {
    const { latencyMs, isSilent } = this.is
    if (isSilent) await new Promise<void>((resolve) => this.#answers.push(resolve))
    else if (latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, latencyMs * this.#dice()))
    this.underWay += 1
    try {
      return await deed()
    } finally {
      this.underWay -= 1
    }
  }
}

/** Of the fewest octets that they have. */
export const segmentBytes = 64 * 1024

/** What a start finds on such a disk, if it works. */
export async function foundOn(losing: LosingDisk): Promise<ReadonlyMap<string, QueuedMessage>> {
  const { disk } = losing.killedAfter(losing.deeds.length)
  const { events } = listening()
  const parts = { directory: '/spool', events, now: Date.now, disk, segmentBytes, closed: () => {} }
  const spool = await JournalSpool.open(parts)
  const messages = await messagesOf(spool)
  await spool.close()
  return new Map(messages.map((message) => [message.envelope.queueId, message]))
}
