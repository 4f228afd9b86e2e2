/** Gives room back: the oldest segment goes when nothing in it is needed; what still is, is copied to the newest first. */
import type { Contents } from './contents.ts'
import type { Disk } from './disk.ts'
import type { Journal } from './journal.ts'
import type { Paths } from './paths.ts'
import { type Held, type Segment, settle } from './segment.ts'

type Parts = {
  readonly disk: Disk
  readonly paths: Paths
  readonly journal: Journal
  readonly contents: Contents
  readonly segmentBytes: number
  /** The volume is nearly full. */
  readonly short: () => boolean
}

/**
 * Always the oldest first: a removal then goes only when no older record of its message is left, so that nothing that
 * was removed ever comes back.
 */
export class Cleaner {
  readonly #parts: Parts
  #running: Promise<void> | undefined
  #stopped = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Cleans as long as it is worth it, in the background; a fault of the disk ends it until the next call. */
  consider(): void {
    this.#running ??= this.#clean()
      .catch(ignored)
      .finally(() => {
        this.#running = undefined
      })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  async #clean(): Promise<void> {
    const { journal } = this.#parts
    for (let oldest = journal.oldest; oldest !== undefined && !this.#stopped; oldest = journal.oldest) {
      if (oldest.held.size > 0) {
        if (!journal.damaged && !worthCopying(journal.segments, this.#parts.segmentBytes, this.#parts.short())) return
        await this.#copy(oldest)
        if (oldest.held.size > 0) return
      }
      await this.#retire(oldest)
      journal.forgetOldest()
    }
  }

  async #copy(segment: Segment): Promise<void> {
    const staying = [...segment.held]
    for (let first = 0; first < staying.length && !this.#stopped; first += copiedAtOnce) {
      await Promise.all(staying.slice(first, first + copiedAtOnce).map((held) => this.#move(held, segment)))
    }
  }

  async #move(held: Held, from: Segment): Promise<void> {
    const content = held.file === undefined ? await this.#parts.contents.whole(held) : undefined
    // Its record may not come behind that of its removal.
    if (held.leaving || !from.held.has(held)) return
    const { file, message } = held
    await this.#parts.journal.append({
      entry: { kind: 'moved', ...message, ...(file !== undefined && { file }) },
      content,
      // With another state by now, it is copied once more: the record of that state may lie before this one.
      durable: (place) => {
        if (from.held.has(held) && held.message === message) settle(held, place)
      },
    })
  }

  // The folder is synced after each one: a later segment may not be gone while an earlier one comes back.
  async #retire(segment: Segment): Promise<void> {
    const { disk, paths } = this.#parts
    const path = paths.segment(segment.name)
    const gone = segment.damaged ? disk.rename(path, paths.setAside(segment.name)) : disk.unlink(path)
    await gone.catch((error: unknown) => {
      if (!isAbsent(error)) throw error
    })
    if (segment.damaged) await disk.syncDirectory(paths.quarantine)
    await disk.syncDirectory(paths.journal)
  }
}

/** Few enough that a commit, which waits behind them, is not slow. */
const copiedAtOnce = 16
const fewestDeadSegments = 4

/** As many dead octets as live ones may stay: then each octet is copied about once. */
export function worthCopying(segments: readonly Segment[], segmentBytes: number, short: boolean): boolean {
  const total = segments.reduce((sum, s) => sum + s.bytes, 0)
  const live = segments.reduce((sum, s) => sum + s.liveBytes, 0)
  const most = short ? segmentBytes : Math.max(fewestDeadSegments * segmentBytes, live)
  return total - live > most
}

const isAbsent = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'
const ignored = (): void => {}
