/** What the lanes of one route share: how much may be under way at one time; those that wait for it take turns. */
import { Places } from './places.ts'
import { Reach } from './reach.ts'

/** What the spool has not recorded of one route's deliveries: a crash could repeat no more than these and what is in flight. */
const maxUnsettled = 20

/** What waits for a place asks for whom. */
type Waiting = { readonly nextCredential: string | undefined }

export class Room<Lane extends Waiting> {
  /** Connections that may be in use at one time, by the credential whose mail is on its way. */
  readonly connections = new Places()
  /** Done at the next hops, and not yet in the spool. */
  unsettled = 0
  /** Of these, those that the spool could not be told of. */
  #behind = 0
  readonly reach = new Reach()
  /** In the order in which they have come. */
  readonly #waiting = new Set<Lane>()

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
    if (this.#isFull()) return undefined
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
    return !this.#isFull() && this.connections.hasOneFor(lane.nextCredential)
  }

  #isFull(): boolean {
    // While writes fail, whatever is in flight will be unsettled too.
    const { taken, most } = this.connections
    const unsettled = this.#behind > 0 ? this.unsettled + taken : this.unsettled
    return taken >= most || unsettled >= maxUnsettled
  }
}
