/** The pools of every route over reloads: those of an unchanged smarthost stay, the others finish and go, as do exchangers'. */
import type { LoadedConfig, RouteConfig } from '../config.ts'
import type { Events } from '../events.ts'
import type { Ranked } from './choose.ts'
import { ExchangerPools, type Sharing } from './exchanger-pools.ts'
import type { Exchanger } from './exchangers.ts'
import { HealthRecords } from './health-records.ts'
import type { Surroundings } from './open.ts'
import { Pool, type PoolLimits } from './pool.ts'
import { exchangerTarget, targetOf, wayOf } from './target.ts'

type Parts = {
  readonly events: Pick<Events, 'smarthostConnected'>
  readonly around: Surroundings
  readonly poolLimits: PoolLimits
  readonly exchangerPort: number
}

export class Pools<Lane extends Sharing> {
  readonly #parts: Parts
  #inForce = new Map<string, Pool>()
  readonly exchangers: ExchangerPools<Lane>
  #helloName = ''
  /** Out of use, with transactions in flight; those of exchangers with the name of their route. */
  readonly #leaving = new Map<Pool, string | undefined>()

  constructor(parts: Parts) {
    this.#parts = parts
    const { around, events, poolLimits, exchangerPort: port } = parts
    const health = new HealthRecords()
    const poolTo = (exchanger: Exchanger, before: Pool | undefined): Pool => {
      const target = exchangerTarget(exchanger, { helloName: this.#helloName, port })
      before?.update(target)
      return before ?? new Pool(target, around, events, poolLimits, health.of(exchanger.host))
    }
    this.exchangers = new ExchangerPools(poolTo, (pool, route) => this.#leave(pool, route))
  }

  /** The pools of each route, in the order of the configuration. A fleet that is suspended delivers nothing, and keeps no connection. */
  reload(loaded: LoadedConfig, sameWays: boolean): (route: RouteConfig) => readonly Ranked<Pool>[] {
    const { hostname, routes, suspended } = loaded.config
    this.#helloName = hostname
    const before = this.#inForce
    const next = this.#poolsFor(loaded)
    for (const [key, pool] of before) {
      if (next.get(key) === pool) continue
      this.#leave(pool)
      // What still waits to be connected there goes where the configuration says now, or waits.
      pool.abandon()
    }
    this.#inForce = next
    this.#abandonExchangers(suspended ? [] : routes)
    // They stay all the same: what is in flight counts among the connections of those that come when it is resumed.
    if (suspended) for (const pool of next.values()) pool.retire()
    // What waits to be connected to one that stays may have another way now, or none.
    if (!sameWays || suspended) for (const pool of this.#all()) pool.withdraw()
    return (route) =>
      route.smarthosts.flatMap((smarthost) => {
        const pool = next.get(keyOf(route, smarthost))
        return pool === undefined ? [] : [{ pool, priority: smarthost.priority }]
      })
  }

  /** Those that stay, and new ones. */
  #poolsFor(loaded: LoadedConfig): Map<string, Pool> {
    const { around, events, poolLimits } = this.#parts
    const next = new Map<string, Pool>()
    // Routes share what is known of a smarthost and of our login there, or each of them would try a refused password (case U22).
    const known = new Map([...this.#inForce.values()].map((pool) => [wayOf(pool.target), pool.record]))
    for (const route of loaded.config.routes) {
      for (const smarthost of route.smarthosts) {
        const key = keyOf(route, smarthost)
        const target = targetOf(loaded, smarthost)
        const kept = this.#inForce.get(key)
        const way = wayOf(target)
        const stays = kept !== undefined && wayOf(kept.target) === way
        const pool = stays ? kept : new Pool(target, around, events, poolLimits, known.get(way))
        known.set(way, pool.record)
        pool.update(target)
        next.set(key, pool)
      }
    }
    return next
  }

  /** What waits to be connected to exchangers goes another way, too, or waits, where its route goes to none any more. */
  #abandonExchangers(routes: readonly RouteConfig[]): void {
    const exchanged = new Set(routes.filter(({ exchangers }) => exchangers !== undefined).map(({ name }) => name))
    for (const [pool, route] of [...this.exchangers.all(), ...this.#leaving])
      if (route !== undefined && !exchanged.has(route)) pool.abandon()
  }

  /** A transaction has ended. */
  finished(pool: Pool, now: number): void {
    pool.ended(now)
    if (pool.inUse === 0) this.#leaving.delete(pool)
  }

  retire(): void {
    for (const pool of this.#inUse()) pool.retire()
  }

  destroy(): void {
    for (const pool of this.#all()) pool.destroy()
  }

  *#inUse(): Iterable<Pool> {
    yield* this.#inForce.values()
    for (const [pool] of this.exchangers.all()) yield pool
  }

  #all(): readonly Pool[] {
    return [...this.#inUse(), ...this.#leaving.keys()]
  }

  #leave(pool: Pool, route?: string): void {
    pool.retire()
    if (pool.inUse > 0) this.#leaving.set(pool, route)
  }
}

const keyOf = (route: { readonly name: string }, smarthost: { readonly name: string }): string =>
  `${route.name} ${smarthost.name}`
