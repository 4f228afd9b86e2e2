/** What the lanes of one route share: how much may be under way at one time; those that wait for it take turns. */
import type { Lane } from './lane.ts'
import { Reach } from './reach.ts'

/** What the spool has not recorded of one route's deliveries: a crash could repeat no more than these and what is in flight. */
const maxUnsettled = 20
/** The rest is for whoever has none in use: how long a next hop holds its connection is for that next hop to say. */
const openShare = 0.9

export class Room {
  /** Connections that may be in use at one time. */
  most = Number.POSITIVE_INFINITY
  #inUse = 0
  /** By the credential whose mail is on its way. */
  readonly #inUseBy = new Map<string, number>()
  /** Done at the next hops, and not yet in the spool. */
  unsettled = 0
  /** Of these, those that the spool could not be told of. */
  #behind = 0
  readonly reach = new Reach()
  /** In the order in which they have come. */
  readonly #waiting = new Set<Lane>()

  begin(credential: string): void {
    this.#inUse++
    this.#inUseBy.set(credential, (this.#inUseBy.get(credential) ?? 0) + 1)
  }

  end(credential: string): void {
    this.#inUse--
    const left = (this.#inUseBy.get(credential) ?? 0) - 1
    if (left > 0) this.#inUseBy.set(credential, left)
    else this.#inUseBy.delete(credential)
  }

  /** Whoever is not admitted now is among the next. */
  admits(lane: Lane): boolean {
    if (this.#hasPlaceFor(lane)) return true
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
    for (const lane of this.#waiting) {
      if (!this.#hasPlaceFor(lane)) continue
      this.#waiting.delete(lane)
      return lane
    }
    return undefined
  }

  forget(lane: Lane): void {
    this.#waiting.delete(lane)
  }

  #hasPlaceFor(lane: Lane): boolean {
    if (this.#isFull) return false
    if (this.#inUse < Math.ceil(this.most * openShare)) return true
    const { nextCredential } = lane
    return nextCredential !== undefined && !this.#inUseBy.has(nextCredential)
  }

  get #isFull(): boolean {
    // While writes fail, whatever is in flight will be unsettled too.
    const unsettled = this.#behind > 0 ? this.unsettled + this.#inUse : this.unsettled
    return this.#inUse >= this.most || unsettled >= maxUnsettled
  }
}
