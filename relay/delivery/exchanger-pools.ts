/**
 * The exchangers that mail goes to now: domains that have one in common share its connections on their route, and
 * take turns there.
 */
import type { Ranked } from './choose.ts'
import type { Exchanger } from './exchangers.ts'
import type { Pool } from './pool.ts'

type Shared<Lane> = {
  readonly pool: Pool
  readonly route: string
  /** Those with mail for it; without any, its connections are closed. */
  readonly lanes: Set<Lane>
  /** Of these, those that found it busy, in the order in which they came. */
  readonly waiting: Set<Lane>
}

/** A lane, as far as sharing goes. */
export type Sharing = { readonly route: { readonly name: string }; readonly pools: readonly Pool[] }

export class ExchangerPools<Lane extends Sharing> {
  /** By route and host. */
  readonly #shared = new Map<string, Shared<Lane>>()
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
    for (const { pool, route } of this.#shared.values()) yield [pool, route]
  }

  /** The lane's mail goes to these from now on, and no longer to others. */
  lead(lane: Lane, exchangers: readonly Exchanger[]): readonly Ranked<Pool>[] {
    const ranked = exchangers.map((exchanger) => ({
      pool: this.#join(lane, exchanger),
      priority: exchanger.preference,
    }))
    this.leave(
      lane,
      ranked.map(({ pool }) => pool),
    )
    return ranked
  }

  /** The lane's mail goes to none of its pools any more but to these. */
  leave(lane: Lane, butFor: readonly Pool[] = []): void {
    for (const pool of lane.pools) {
      const shared = butFor.includes(pool) ? undefined : this.#sharedBy(lane, pool)
      if (shared === undefined) continue
      shared.waiting.delete(lane)
      shared.lanes.delete(lane)
      if (shared.lanes.size > 0) continue
      this.#shared.delete(keyOf(lane, pool.name))
      this.#end(pool, shared.route)
    }
  }

  /** Whatever place is free first at one of its pools is for this lane, behind those that wait already. */
  wait(lane: Lane): void {
    for (const pool of lane.pools) this.#sharedBy(lane, pool)?.waiting.add(lane)
  }

  /** Those that wait for the pool, as the lane did, as long as it has a free place; each waits no more. */
  *next(lane: Lane, pool: Pool): Iterable<Lane> {
    const waiting = this.#sharedBy(lane, pool)?.waiting
    if (waiting === undefined || waiting.size === 0) return
    for (const one of [...waiting]) {
      if (pool.inUse >= pool.places) return
      waiting.delete(one)
      yield one
    }
  }

  #join(lane: Lane, exchanger: Exchanger): Pool {
    const key = keyOf(lane, exchanger.host)
    const shared = this.#shared.get(key)
    const pool = this.#poolTo(exchanger, shared?.pool)
    if (shared !== undefined) shared.lanes.add(lane)
    else this.#shared.set(key, { pool, route: lane.route.name, lanes: new Set([lane]), waiting: new Set() })
    return pool
  }

  /** Undefined of a smarthost, and of an exchanger that has ended: it may have another pool by now. */
  #sharedBy(lane: Lane, pool: Pool): Shared<Lane> | undefined {
    const shared = this.#shared.get(keyOf(lane, pool.name))
    return shared?.pool === pool ? shared : undefined
  }
}

const keyOf = ({ route }: Sharing, host: string): string => `${route.name} ${host}`
