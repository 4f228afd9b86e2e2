/** The ways out that are in force, over reloads: a lane for each route to smarthosts, lanes by domain for each to exchangers. */
import type { LoadedConfig, RouteConfig } from '../config.ts'
import type { SmarthostStatus } from '../http.ts'
import { routeOfAll } from '../rules/route.ts'
import { DomainLanes } from './domain-lanes.ts'
import type { Found } from './exchangers.ts'
import { describeHealth } from './health.ts'
import { type Hop, hopsOf } from './hop.ts'
import type { Handles } from './intake.ts'
import { Lane } from './lane.ts'
import type { Pool } from './pool.ts'
import type { Pools } from './pools.ts'
import { Room } from './room.ts'
import type { Parcel, Tracked } from './tracked.ts'

/** In memory, for all routes together; what comes beyond that is parked. */
const recipientsInMemory = 4000
/** Few enough to take little memory, and enough that no connection waits for the disk. */
const messagesAhead = 64

/** What has to be routed anew. */
export type Loose = { readonly parcels: readonly Parcel[]; readonly parked: readonly Handles[] }

export class Ways {
  readonly #pools: Pools<Lane>
  readonly #random: () => number
  readonly #goOn: (lane: Lane, pool: Pool) => void
  #routes: readonly RouteConfig[] = []
  #lanes = new Map<string, Lane>()
  #domains = new Map<string, DomainLanes>()
  #rooms = new Map<string, Room<Lane>>()
  /** Lanes of an earlier configuration, while they have messages that are being read. */
  readonly #leaving = new Set<Lane>()

  /** `goOn`: one of the lane's next hops may take more than before. */
  constructor(pools: Pools<Lane>, random: () => number, goOn: (lane: Lane, pool: Pool) => void) {
    this.#pools = pools
    this.#random = random
    this.#goOn = goOn
  }

  get waiting(): number {
    let waiting = 0
    for (const lane of [...this.inForce(), ...this.#leaving]) waiting += lane.waiting
    return waiting
  }

  *inForce(): Iterable<Lane> {
    yield* this.#lanes.values()
    for (const lanes of this.#domains.values()) yield* lanes.all()
  }

  /** Health of every smarthost, and of each route's exchangers as one. */
  smarthosts(now: number, timeOf: (at: number) => string): readonly SmarthostStatus[] {
    return this.#routes.flatMap((r): readonly SmarthostStatus[] => {
      const { name, exchangers } = r
      if (exchangers !== undefined) return [{ route: name, name: 'mx', ...this.#roomOf(r).reach.describe(timeOf) }]
      const pools = this.#lanes.get(name)?.pools ?? []
      return pools.map((pool) => ({ route: name, name: pool.name, ...describeHealth(pool.health, now, timeOf) }))
    })
  }

  /** Connections and health of an unchanged smarthost are kept. */
  reload(loaded: LoadedConfig): Loose {
    const before = [...this.inForce()]
    const parcels = before.flatMap((lane) => lane.empty())
    const { routes } = loaded.config
    const sameWays = haveSameWays(this.#routes, routes)
    this.#routes = routes
    this.#rooms = new Map(routes.map((route) => [route.name, this.#roomFor(route)]))
    const rankedOf = this.#pools.reload(loaded, sameWays)
    const mostRecipients = Math.ceil(recipientsInMemory / routes.length)
    const [toExchangers, toSmarthosts] = [routes.filter(hasExchangers), routes.filter((r) => !hasExchangers(r))]
    this.#domains = new Map(toExchangers.map((r) => [r.name, new DomainLanes(r, this.#roomOf(r), this.#random)]))
    this.#lanes = new Map(
      toSmarthosts.map((route) => {
        const lane = new Lane({ route, room: this.#roomOf(route), mostRecipients, window: () => messagesAhead })
        lane.lead(rankedOf(route))
        this.#tellOpened(lane)
        return [route.name, lane]
      }),
    )
    return { parcels, parked: before.flatMap((lane) => this.#leave(lane, sameWays)) }
  }

  hopsOf(message: Tracked, recipients: readonly number[]): Iterable<Hop> {
    return hopsOf(this.#routes, message, recipients)
  }

  /** Undefined where there is none. `from`: the lane whose turn has brought the message. */
  laneTo({ route, domain }: Pick<Hop, 'route' | 'domain'>, credential: string, from?: Lane): Lane | undefined {
    if (route === undefined) return undefined
    if (domain !== undefined) return this.#domains.get(route.name)?.laneTo(domain, credential, from)
    const lane = this.#lanes.get(route.name)
    return lane === undefined || lane.pools.length === 0 ? undefined : lane
  }

  /** The lane of everything that this credential sends, if only that decides its route. */
  laneOfAll(credential: string): Lane | undefined {
    return this.laneTo({ route: routeOfAll(this.#routes, credential), domain: undefined }, credential)
  }

  /** The lane in force of the same route and domain: after a reload it is another one. */
  successorOf(lane: Lane): Lane | undefined {
    const { domain, route } = lane
    if (domain !== undefined) return this.#domains.get(route.name)?.get(domain)
    return this.#lanes.get(route.name) ?? this.#domains.get(route.name)?.front
  }

  isInForce(lane: Lane): boolean {
    return this.successorOf(lane) === lane
  }

  isFront(lane: Lane): boolean {
    return this.#domains.get(lane.route.name)?.front === lane
  }

  /** Nothing of the lane can start, since others use what it goes to. */
  waitForOthers(lane: Lane): void {
    if (lane.domain !== undefined) this.#pools.exchangers.wait(lane)
  }

  /** Lanes that may go on now, each in turn: those that wait for a place of the lane's route, and for one of the pool. */
  *nextBehind(lane: Lane, pool: Pool | undefined): Iterable<Lane> {
    for (let next = lane.room.next(); next !== undefined; next = lane.room.next()) yield next
    if (pool?.isExchanger) yield* this.#pools.exchangers.next(lane, pool)
  }

  /** What DNS said of the lane's domain. */
  lead(lane: Lane, found: Found): void {
    const exchangers = found.kind === 'exchangers' ? found.exchangers : []
    lane.lead(this.#pools.exchangers.lead(lane, exchangers))
    this.#tellOpened(lane)
    lane.closed = found.kind === 'none' ? found.outcome : undefined
  }

  /** Lanes that share an exchanger wait for it by their route: any of them will do. */
  #tellOpened(lane: Lane): void {
    for (const pool of lane.pools) pool.onOpened = () => this.#goOn(lane, pool)
  }

  /** A domain's lane ends when nothing of it is left; returns the front, where others wait for it to end or to go on. */
  endIfDone(lane: Lane): Lane | undefined {
    // A lane of an earlier configuration is forgotten once it has read what it was reading.
    if (lane.waiting === 0) this.#leaving.delete(lane)
    const lanes = lane.domain === undefined ? undefined : this.#domains.get(lane.route.name)
    if (lanes === undefined) return undefined
    if (lane.waiting === 0 && lane.underWay === 0 && lanes.end(lane)) {
      lane.empty()
      lane.room.forget(lane)
      this.#pools.exchangers.leave(lane)
    }
    return lanes.front.waiting > 0 ? lanes.front : undefined
  }

  #leave(lane: Lane, sameWays: boolean): readonly Handles[] {
    lane.room.forget(lane)
    this.#pools.exchangers.leave(lane)
    const next = sameWays && lane.domain === undefined ? this.successorOf(lane) : undefined
    const takesOver = next !== undefined && (this.isFront(next) || next.pools.length > 0)
    const left = takesOver ? [] : lane.leaveParked()
    if (takesOver) next.adoptParked(lane)
    if (lane.waiting > 0) this.#leaving.add(lane)
    return left
  }

  #roomFor({ name, exchangers }: RouteConfig): Room<Lane> {
    const room = this.#rooms.get(name) ?? new Room<Lane>()
    room.connections.most = exchangers?.maxConnections ?? Number.POSITIVE_INFINITY
    return room
  }

  #roomOf({ name }: RouteConfig): Room<Lane> {
    return this.#rooms.get(name) ?? new Room<Lane>()
  }
}

const hasExchangers = ({ exchangers }: RouteConfig): boolean => exchangers !== undefined

/** Whether each route takes the mail that the one of its name took before, so that what is parked may stay there. */
const haveSameWays = (before: readonly RouteConfig[], after: readonly RouteConfig[]): boolean =>
  JSON.stringify(before.map(wayOf)) === JSON.stringify(after.map(wayOf))
const wayOf = ({ name, match, exchangers }: RouteConfig) => [name, match, exchangers !== undefined]
