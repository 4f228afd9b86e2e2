/**
 * The lanes of a route to exchangers: one for each domain that has mail now, up to a number, and a front where everything
 * else is parked until one of them ends. Ten thousand domains are ten thousand numbers, not as many sockets and timers.
 */
import type { RouteConfig } from '../config.ts'
import { FewMarks } from './few-marks.ts'
import { Lane } from './lane.ts'
import type { Room } from './room.ts'

/**
 * Domains that are looked up, or wait for a connection in the order in which they came: few, since who waits before them
 * has a fair turn by credential.
 */
const domainsAhead = 32
const messagesAhead = 16

export class DomainLanes {
  readonly front: Lane
  readonly #route: RouteConfig
  readonly #room: Room
  readonly #random: () => number
  readonly #lanes = new Map<string, Lane>()

  constructor(route: RouteConfig, room: Room, random: () => number) {
    this.#route = route
    this.#room = room
    this.#random = random
    this.front = new Lane({ route, room, mostRecipients: 0, window: () => this.#places })
  }

  get(domain: string): Lane | undefined {
    return this.#lanes.get(domain)
  }

  /** The domain's lane; the front where it has to wait for one. Who comes from the front has waited. */
  laneTo(domain: string, from: Lane | undefined): Lane {
    const known = this.#lanes.get(domain)
    if (known !== undefined) return known
    if (this.#places <= 0 || (this.front.waiting > 0 && from !== this.front)) return this.front
    const lane = new Lane({
      route: this.#route,
      room: this.#room,
      domain,
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
    return this.#room.most + domainsAhead - this.#lanes.size
  }

  /** True when it was there. */
  end(lane: Lane): boolean {
    return this.#lanes.get(lane.domain ?? '') === lane && this.#lanes.delete(lane.domain ?? '')
  }

  *all(): Iterable<Lane> {
    yield this.front
    yield* this.#lanes.values()
  }
}
