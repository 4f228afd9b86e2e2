/**
 * The lanes of a route to exchangers: one for each domain that has mail now, up to a number, and a front where everything
 * else is parked until one of them ends. Ten thousand domains are ten thousand numbers, not as many sockets and timers.
 * Domains that always have mail keep their lanes: so each credential may have one beyond that number, while its mail waits there.
 */
import type { RouteConfig } from '../config.ts'
import { FewMarks } from './few-marks.ts'
import { Lane } from './lane.ts'
import type { Room } from './room.ts'

/**
 * Lanes beyond the route's connections, for domains that are looked up or wait for a connection. Few, since those go in the order
 * in which they came; only the front, where the others wait, gives the credentials fair turns.
 */
const domainsAhead = 32
const messagesAhead = 16
/** Extra lanes of all credentials together. */
const mostBeyond = 1000

export class DomainLanes {
  readonly front: Lane
  readonly #route: RouteConfig
  readonly #room: Room<Lane>
  readonly #random: () => number
  readonly #lanes = new Map<string, Lane>()
  /** By credential, the last one that was opened for it beyond the number. */
  readonly #beyond = new Map<string, Lane>()

  constructor(route: RouteConfig, room: Room<Lane>, random: () => number) {
    this.#route = route
    this.#room = room
    this.#random = random
    // One at a time: until it has been read it has no lane, and its credential would be let through again.
    const joins = (credential: string): boolean => this.front.coming === 0 && this.#mayGoBeyond(credential)
    this.front = new Lane({ route, room, mostRecipients: 0, window: () => this.#places, joins })
  }

  get(domain: string): Lane | undefined {
    return this.#lanes.get(domain)
  }

  /** The domain's lane, or the front where it has to wait for one; mail that comes from the front has waited. */
  laneTo(domain: string, credential: string, from: Lane | undefined): Lane {
    const known = this.#lanes.get(domain)
    if (known !== undefined) return known
    const hasPlace = this.#places > 0 && (this.front.waiting === 0 || from === this.front)
    if (!hasPlace && !this.#mayGoBeyond(credential)) return this.front
    const lane = this.#open(domain, credential)
    if (!hasPlace) this.#beyond.set(credential, lane)
    return lane
  }

  #open(domain: string, owner: string): Lane {
    const lane = new Lane({
      route: this.#route,
      room: this.#room,
      domain,
      owner,
      mostRecipients: messagesAhead,
      window: () => messagesAhead,
      turn: Math.floor(this.#random() * messagesAhead),
      marks: new FewMarks(),
    })
    this.#lanes.set(domain, lane)
    return lane
  }

  /** For how many more domains there is a lane. */
  get #places(): number {
    return this.#room.connections.most + domainsAhead - this.#lanes.size
  }

  /** It has no extra lane, or nothing waits there for it: others may keep that one open. */
  #mayGoBeyond(credential: string): boolean {
    const own = this.#beyond.get(credential)
    return this.#places > -mostBeyond && (own === undefined || !own.holds(credential))
  }

  /** True if it was one of these lanes. */
  end(lane: Lane): boolean {
    if (this.#beyond.get(lane.owner) === lane) this.#beyond.delete(lane.owner)
    return this.#lanes.get(lane.domain ?? '') === lane && this.#lanes.delete(lane.domain ?? '')
  }

  *all(): Iterable<Lane> {
    yield this.front
    yield* this.#lanes.values()
  }
}
