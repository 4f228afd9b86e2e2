/** The pools of every route over reloads: those of an unchanged smarthost stay, the others finish and go. */
import type { LoadedConfig, RouteConfig } from '../config.ts'
import type { Events } from '../events.ts'
import type { Surroundings } from './open.ts'
import { Pool, type PoolLimits } from './pool.ts'
import { sameWay, targetOf } from './target.ts'

type Parts = {
  readonly events: Pick<Events, 'smarthostConnected'>
  readonly around: Surroundings
  readonly poolLimits: PoolLimits
}

export class Pools {
  readonly #parts: Parts
  #inForce = new Map<string, Pool>()
  /** Of an earlier configuration, with transactions in flight. */
  readonly #leaving = new Set<Pool>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** The pools of each route, in the order of the configuration. */
  reload(loaded: LoadedConfig): (route: RouteConfig) => readonly Pool[] {
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
    for (const [key, pool] of before) if (next.get(key) !== pool) this.#leave(pool)
    this.#inForce = next
    return (route) => route.smarthosts.map((s) => next.get(keyOf(route, s))).filter((pool) => pool !== undefined)
  }

  /** A transaction has ended. */
  finished(pool: Pool): void {
    pool.inUse--
    if (pool.inUse === 0) this.#leaving.delete(pool)
  }

  retire(): void {
    for (const pool of this.#inForce.values()) pool.retire()
  }

  destroy(): void {
    for (const pool of [...this.#inForce.values(), ...this.#leaving]) pool.destroy()
  }

  #leave(pool: Pool): void {
    pool.retire()
    if (pool.inUse > 0) this.#leaving.add(pool)
  }
}

const keyOf = (route: { readonly name: string }, smarthost: { readonly name: string }): string =>
  `${route.name} ${smarthost.name}`
