/** What the lanes of one route share: how much may be under way at one time; those that wait for it take turns. */
import type { Lane } from './lane.ts'
import { Reach } from './reach.ts'

/** What the spool has not recorded of one route's deliveries: a crash could repeat no more than these and what is in flight. */
const maxUnsettled = 20

export class Room {
  /** Connections that may be in use at one time. */
  most = Number.POSITIVE_INFINITY
  inUse = 0
  /** Done at the next hops, and not yet in the spool. */
  unsettled = 0
  /** Of these, those that the spool could not be told of. */
  #behind = 0
  readonly reach = new Reach()
  /** In the order in which they have come. */
  readonly #waiting = new Set<Lane>()

  /** Whoever is not admitted now is among the next. */
  admits(lane: Lane): boolean {
    if (!this.#isFull) return true
    this.#waiting.add(lane)
    return false
  }

  async behindUntil(recorded: Promise<void>): Promise<void> {
    this.#behind++
    await recorded
    this.#behind--
  }

  next(): Lane | undefined {
    if (this.#isFull) return undefined
    const [lane] = this.#waiting
    if (lane !== undefined) this.#waiting.delete(lane)
    return lane
  }

  forget(lane: Lane): void {
    this.#waiting.delete(lane)
  }

  get #isFull(): boolean {
    // While writes fail, whatever is in flight will be unsettled too.
    const unsettled = this.#behind > 0 ? this.unsettled + this.inUse : this.unsettled
    return this.inUse >= this.most || unsettled >= maxUnsettled
  }
}
