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
  /** How long nothing is copied after a message could not be read, in milliseconds. */
  readonly readAgainMs: number
  readonly room: Pick<Allotment, 'ample' | 'takesCopies'>
  /** A segment is gone, and the volume has its room again. */
  readonly gave: () => Promise<void>
  /** It cannot be deleted or, if it is damaged, moved aside: until it can be, no other one goes either. */
  readonly stuck: (segment: Segment, error: unknown) => void
}

/**
 * Always the oldest segment first: a removal is then deleted only when no older record of its message is left, so that
 * nothing that was removed comes back at a later start.
 */
export class Cleaner {
  readonly #parts: Parts
  #running: Promise<void> | undefined
  #stopped = false
  #copyAgainAt = 0
  /** The segment that was told to be stuck: each is told once. */
  #stuck: Segment | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Cleans as long as it is worth it, in the background; a write that fails ends it until the next call. */
  consider(): void {
    // Asked after each commit, when most times there is no segment but the one that is being written.
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
    // A segment goes as a whole or not at all: without room to copy all of it, copying is not begun.
    if (!room.takesCopies(staying.reduce((sum, handle) => sum + register.growthOf(handle), segment.liveBytes))) return
    for (let first = 0; first < staying.length && !this.#stopped; first += copiedAtOnce) {
      const some = staying.slice(first, first + copiedAtOnce)
      // All are waited for, also when one fails: the next run must not copy a message that is still being copied.
      const moved = await Promise.allSettled(some.map((handle) => this.#move(handle, segment)))
      for (const each of moved) if (each.status === 'rejected') throw each.reason
    }
  }

  // A message that cannot be read keeps no other from being copied. In the end it counts as damaged: see unreadable.ts.
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
    // The copy must not stand behind the message's removal, nor an older state behind a newer one.
    if (register.isLeaving(handle) || !stays() || watch.changed) return
    await journal.append({
      entry: { kind: 'moved', ...message, ...(file !== undefined && { file }) },
      content: file === undefined ? content : undefined,
      // If the state has changed meanwhile the message is copied again: the record of the newer state may lie before this copy, which
      // would overrule it at the next start.
      durable: (place) => {
        if (!stays() || watch.changed) return
        register.settle(handle, place)
        ahead.forget(handle)
      },
    })
  }

  // The folder is synced after each one: a loss of power must not bring back an older segment without the later one, which has its
  // removals.
  async #retire(segment: Segment): Promise<void> {
    const { disk, paths, open, register } = this.#parts
    const path = paths.segment(segment.name)
    open.forget(segment)
    register.retire(segment)
    const gone = segment.damaged ? moveAside(disk, paths, path, segment.name) : disk.unlink(path)
    await gone.catch((error: unknown) => {
      if (isAbsent(error)) return
      if (this.#stuck !== segment) this.#parts.stuck(segment, error)
      this.#stuck = segment
      throw error
    })
    // Whoever reads a place in it for the second time may have opened it again meanwhile.
    open.forget(segment)
    if (segment.damaged) await disk.syncDirectory(paths.quarantine)
    await disk.syncDirectory(paths.journal)
  }
}

/** Few, since a commit of new mail waits behind them. */
const copiedAtOnce = 16
const fewestDeadSegments = 4

/** As many octets may be dead as are live: then each octet is copied about once. When the volume is short of room, fewer may. */
export function worthCopying(segments: readonly Segment[], segmentBytes: number, short: boolean): boolean {
  const total = segments.reduce((sum, s) => sum + s.bytes, 0)
  const live = segments.reduce((sum, s) => sum + s.liveBytes, 0)
  const most = short ? Math.max(segmentBytes, live * deadShare) : Math.max(fewestDeadSegments * segmentBytes, live)
  return total - live > most
}

const ignored = (): void => {}
