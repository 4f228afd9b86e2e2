/**
 * The exchangers that mail goes to now: domains that have one in common share its connections on their route, and
 * take turns there.
 */
import type { Ranked } from './choose.ts'
import type { Exchanger } from './exchangers.ts'
import type { Pool } from './pool.ts'

type Shared<Lane> = {
  readonly key: string
  readonly route: string
  /** Those with mail for it; without any, its connections are closed. */
  readonly lanes: Set<Lane>
  /** Of these, those that found it busy, in the order in which they came. */
  readonly waiting: Set<Lane>
}

export class ExchangerPools<Lane extends { readonly route: { readonly name: string } }> {
  readonly #pools = new Map<string, Pool>()
  readonly #shared = new Map<Pool, Shared<Lane>>()
  readonly #poolTo: (exchanger: Exchanger, before: Pool | undefined) => Pool
  readonly #end: (pool: Pool, route: string) => void

  /** `poolTo`: a new pool, or the one before, brought up to date; `end`: nobody has mail for it any more. */
  constructor(
    poolTo: (exchanger: Exchanger, before: Pool | undefined) => Pool,
    end: (pool: Pool, route: string) => void,
  ) {
    this.#poolTo = poolTo
    this.#end = end
  }

  /** Each with the name of its route. */
  *all(): Iterable<readonly [Pool, string]> {
    for (const [pool, { route }] of this.#shared) yield [pool, route]
  }

  /** The lane's mail goes to these from now on, and no longer to those of `before` that are not among them. */
  lead(lane: Lane, exchangers: readonly Exchanger[], before: readonly Pool[]): readonly Ranked<Pool>[] {
    const ranked = exchangers.map((exchanger) => ({
      pool: this.#join(lane, exchanger),
      priority: exchanger.preference,
    }))
    const pools = ranked.map(({ pool }) => pool)
    this.leave(
      lane,
      before.filter((pool) => !pools.includes(pool)),
    )
    return ranked
  }

  leave(lane: Lane, pools: readonly Pool[]): void {
    for (const pool of pools) {
      const shared = this.#shared.get(pool)
      if (shared === undefined) continue
      shared.waiting.delete(lane)
      shared.lanes.delete(lane)
      if (shared.lanes.size > 0) continue
      this.#shared.delete(pool)
      this.#pools.delete(shared.key)
      this.#end(pool, shared.route)
    }
  }

  /** Whatever place is free first at one of these is for this lane, behind those that wait already. */
  wait(lane: Lane, pools: readonly Pool[]): void {
    for (const pool of pools) this.#shared.get(pool)?.waiting.add(lane)
  }

  /** Those that wait for it, as long as it has a free place; each waits no more. */
  *next(pool: Pool): Iterable<Lane> {
    const waiting = this.#shared.get(pool)?.waiting
    if (waiting === undefined || waiting.size === 0) return
    for (const lane of [...waiting]) {
      if (pool.inUse >= pool.places) return
      waiting.delete(lane)
      yield lane
    }
  }

  #join(lane: Lane, exchanger: Exchanger): Pool {
    const route = lane.route.name
    const key = `${route} ${exchanger.host}`
    const pool = this.#poolTo(exchanger, this.#pools.get(key))
    const shared = this.#shared.get(pool)
    if (shared === undefined) this.#shared.set(pool, { key, route, lanes: new Set([lane]), waiting: new Set() })
    else shared.lanes.add(lane)
    this.#pools.set(key, pool)
    return pool
  }
}
