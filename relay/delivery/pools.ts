/** The pools of every route over reloads: those of an unchanged smarthost stay, the others finish and go, as do exchangers'. */
import type { LoadedConfig, RouteConfig } from '../config.ts'
import type { Events } from '../events.ts'
import type { Exchanger } from './exchangers.ts'
import { HealthRecords } from './health-records.ts'
import type { Surroundings } from './open.ts'
import { Pool, type PoolLimits } from './pool.ts'
import { exchangerTarget, sameWay, targetOf } from './target.ts'

type Parts = {
  readonly events: Pick<Events, 'smarthostConnected'>
  readonly around: Surroundings
  readonly poolLimits: PoolLimits
  readonly exchangerPort: number
}

export class Pools {
  readonly #parts: Parts
  #inForce = new Map<string, Pool>()
  /** The pools of exchangers that mail goes to now. */
  readonly #passing = new Set<Pool>()
  readonly #health = new HealthRecords()
  #helloName = ''
  /** Out of use, with transactions in flight. */
  readonly #leaving = new Set<Pool>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** The pools of each route, in the order of the configuration. */
  reload(loaded: LoadedConfig): (route: RouteConfig) => readonly Pool[] {
    this.#helloName = loaded.config.hostname
    const before = this.#inForce
    const next = new Map<string, Pool>()
    for (const route of loaded.config.routes) {
      for (const smarthost of route.smarthosts) {
        const key = keyOf(route, smarthost)
        const target = targetOf(loaded, smarthost)
        const kept = before.get(key)
        const stays = kept !== undefined && sameWay(kept.target, target)
        const { around, events, poolLimits } = this.#parts
        const pool = stays ? kept : new Pool(target, around, events, poolLimits)
        pool.update(target)
        next.set(key, pool)
      }
    }
    for (const [key, pool] of before) {
      if (next.get(key) === pool) continue
      this.#leave(pool)
      // What still waits to be connected there goes where the configuration says now.
      pool.abandon()
    }
    this.#inForce = next
    return (route) => route.smarthosts.map((s) => next.get(keyOf(route, s))).filter((pool) => pool !== undefined)
  }

  /** The pools of one domain's exchangers. Those of `before` that are among them stay, and the others end. */
  toExchangers(exchangers: readonly Exchanger[], maxConnections: number, before: readonly Pool[]): readonly Pool[] {
    const { around, events, poolLimits, exchangerPort: port } = this.#parts
    const pools = exchangers.map((exchanger) => {
      const target = exchangerTarget(exchanger, { helloName: this.#helloName, port, maxConnections })
      const kept = before.find(({ name }) => name === exchanger.host)
      kept?.update(target)
      return kept ?? new Pool(target, around, events, poolLimits, this.#health.of(exchanger.host))
    })
    for (const pool of pools) this.#passing.add(pool)
    this.endAll(before.filter((pool) => !pools.includes(pool)))
    return pools
  }

  endAll(pools: readonly Pool[]): void {
    for (const pool of pools) if (this.#passing.delete(pool)) this.#leave(pool)
  }

  /** A transaction has ended. */
  finished(pool: Pool): void {
    pool.inUse--
    if (pool.inUse === 0) this.#leaving.delete(pool)
  }

  retire(): void {
    for (const pool of [...this.#inForce.values(), ...this.#passing]) pool.retire()
  }

  destroy(): void {
    for (const pool of [...this.#inForce.values(), ...this.#passing, ...this.#leaving]) pool.destroy()
  }

  #leave(pool: Pool): void {
    pool.retire()
    if (pool.inUse > 0) this.#leaving.add(pool)
  }
}

const keyOf = (route: { readonly name: string }, smarthost: { readonly name: string }): string =>
  `${route.name} ${smarthost.name}`
