/** Gives room back: the oldest segment goes when nothing in it is needed; what still is, is copied to the newest first. */
import type { Ahead, Watch } from './ahead.ts'
import { type Allotment, deadShare } from './allotment.ts'
import type { Disk } from './disk.ts'
import { isAbsent } from './disk-error.ts'
import type { Journal } from './journal.ts'
import type { Loaded, Messages } from './messages.ts'
import type { OpenSegments } from './open-segments.ts'
import type { Paths } from './paths.ts'
import { moveAside } from './quarantine.ts'
import type { Register } from './register.ts'
import type { Segment } from './segment.ts'

type Parts = {
  readonly disk: Disk
  readonly paths: Paths
  readonly journal: Journal
  readonly register: Register
  readonly ahead: Ahead
  readonly messages: Messages
  readonly open: OpenSegments
  readonly segmentBytes: number
  /** How soon what could not be read is read again. */
  readonly readAgainMs: number
  readonly room: Pick<Allotment, 'ample' | 'takesCopies'>
  /** A segment is gone. */
  readonly gave: () => Promise<void>
  /** A damaged one can not be set aside: until it can be, none goes. */
  readonly stuck: (segment: Segment, error: unknown) => void
}

/**
 * Always the oldest first: a removal then goes only when no older record of its message is left, so that nothing that
 * was removed ever comes back.
 */
export class Cleaner {
  readonly #parts: Parts
  #running: Promise<void> | undefined
  #stopped = false
  #copyAgainAt = 0
  /** It is told once. */
  #stuck: Segment | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Cleans as long as it is worth it, in the background; a write that fails ends it until the next call. */
  consider(): void {
    // With each commit it is asked, and most times there is only the segment that is being written.
    if (this.#parts.journal.oldest === undefined) return
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
    const { journal, gave } = this.#parts
    for (let oldest = journal.oldest; oldest !== undefined && !this.#stopped; oldest = journal.oldest) {
      if (oldest.live > 0) {
        const { segmentBytes, room } = this.#parts
        if (!journal.damaged && !worthCopying(journal.segments, segmentBytes, !room.ample)) return
        if (performance.now() < this.#copyAgainAt) return
        await this.#copy(oldest)
        if (oldest.live > 0) return
      }
      await this.#retire(oldest)
      journal.forgetOldest()
      await gave()
    }
  }

  async #copy(segment: Segment): Promise<void> {
    const { register, room } = this.#parts
    const staying = register.in(segment)
    // Half a segment that was copied gives nothing back.
    if (!room.takesCopies(staying.reduce((sum, handle) => sum + register.growthOf(handle), segment.liveBytes))) return
    for (let first = 0; first < staying.length && !this.#stopped; first += copiedAtOnce) {
      const some = staying.slice(first, first + copiedAtOnce)
      // Each to its end, whatever becomes of another: nobody begins to copy a message that is still being copied.
      const moved = await Promise.allSettled(some.map((handle) => this.#move(handle, segment)))
      for (const each of moved) if (each.status === 'rejected') throw each.reason
    }
  }

  // One that cannot be read keeps no other from being copied; it counts as damaged in the end: see unreadable.ts.
  async #move(handle: number, from: Segment): Promise<void> {
    const { ahead, messages, readAgainMs } = this.#parts
    const watch = ahead.watch(handle)
    try {
      const loaded = await messages.load(handle).catch(() => {
        this.#copyAgainAt = performance.now() + readAgainMs
      })
      if (loaded !== undefined) await this.#append(handle, from, loaded, watch)
    } finally {
      ahead.unwatch(handle, watch)
    }
  }

  async #append(handle: number, from: Segment, { message, file, content }: Loaded, watch: Watch): Promise<void> {
    const { register, ahead, journal } = this.#parts
    const { queueId } = message.envelope
    const stays = (): boolean => register.isIn(handle, from) && register.standsFor(handle, queueId)
    // Its record may not come behind that of its removal, nor an older state behind a newer one.
    if (register.isLeaving(handle) || !stays() || watch.changed) return
    await journal.append({
      entry: { kind: 'moved', ...message, ...(file !== undefined && { file }) },
      content: file === undefined ? content : undefined,
      // With another state by now, it is copied once more: the record of that state may lie before this one.
      durable: (place) => {
        if (!stays() || watch.changed) return
        register.settle(handle, place)
        ahead.forget(handle)
      },
    })
  }

  // The folder is synced after each one: a later segment may not be gone while an earlier one comes back.
  async #retire(segment: Segment): Promise<void> {
    const { disk, paths, open, register } = this.#parts
    const path = paths.segment(segment.name)
    open.forget(segment)
    register.retire(segment)
    const gone = segment.damaged ? moveAside(disk, paths, path, segment.name) : disk.unlink(path)
    await gone.catch((error: unknown) => {
      if (isAbsent(error)) return
      if (segment.damaged && this.#stuck !== segment) this.#parts.stuck(segment, error)
      this.#stuck = segment
      throw error
    })
    if (segment.damaged) await disk.syncDirectory(paths.quarantine)
    await disk.syncDirectory(paths.journal)
  }
}

/** Few enough that a commit, which waits behind them, is not slow. */
const copiedAtOnce = 16
const fewestDeadSegments = 4

/** As many dead octets as live ones may stay: then each octet is copied about once. On a full volume fewer may. */
export function worthCopying(segments: readonly Segment[], segmentBytes: number, short: boolean): boolean {
  const total = segments.reduce((sum, s) => sum + s.bytes, 0)
  const live = segments.reduce((sum, s) => sum + s.liveBytes, 0)
  const most = short ? Math.max(segmentBytes, live * deadShare) : Math.max(fewestDeadSegments * segmentBytes, live)
  return total - live > most
}

const ignored = (): void => {}
