/** What the lanes of one route share: how much may be under way at one time; those that wait for it take turns. */
import { Places } from './places.ts'
import { Reach } from './reach.ts'

/** What the spool has not recorded of one route's deliveries: a crash could repeat no more than these and what is in flight. */
const maxUnsettled = 20

/** What waits for a place: for mail of which credential, and to which domain. */
type Waiting = { readonly nextCredential: string | undefined; readonly domain: string | undefined }

export class Room<Lane extends Waiting> {
  /** Connections that may be in use at one time, by the credential whose mail is on its way. */
  readonly connections = new Places()
  /** Those by domain, whichever of its lanes began them: after a reload there may be two. */
  readonly #byDomain = new Map<string | undefined, number>()
  /** Done at the next hops, and not yet in the spool. */
  unsettled = 0
  /** Of these, those that the spool could not be told of. */
  #behind = 0
  readonly reach = new Reach()
  /** In the order in which they have come. */
  readonly #waiting = new Set<Lane>()

  begin({ domain }: Lane, credential: string): void {
    this.connections.take(credential)
    this.#byDomain.set(domain, this.inUse(domain) + 1)
  }

  end({ domain }: Lane, credential: string): void {
    this.connections.leave(credential)
    const left = this.inUse(domain) - 1
    if (left > 0) this.#byDomain.set(domain, left)
    else this.#byDomain.delete(domain)
  }

  inUse(domain: string | undefined): number {
    return this.#byDomain.get(domain) ?? 0
  }

  /** Whether the lane may start one more; if not, it is among those that `next` returns. */
  admits(lane: Lane): boolean {
    if (this.#hasPlaceFor(lane)) return true
    this.#waiting.add(lane)
    return false
  }

  /** The spool could not be told of a delivery before this resolves: meanwhile all in flight counts as unsettled. */
  async behindUntil(recorded: Promise<void>): Promise<void> {
    this.#behind++
    await recorded
    this.#behind--
  }

  /** The lane that has waited longest of those with a place now; it waits no more. */
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
