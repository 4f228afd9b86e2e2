/** The exchangers that mail goes to now: domains that have one in common share its connections, and take turns there. */
import type { Ranked } from './choose.ts'
import type { Exchanger } from './exchangers.ts'
import type { Pool } from './pool.ts'

type Shared<Lane> = {
  readonly pool: Pool
  /** Those with mail for it; without any, its connections are closed. */
  readonly lanes: Set<Lane>
  /** Of these, those that found it busy, in the order in which they came. */
  readonly waiting: Set<Lane>
}

export class ExchangerPools<Lane> {
  readonly #shared = new Map<string, Shared<Lane>>()
  readonly #poolTo: (exchanger: Exchanger, before: Pool | undefined) => Pool
  readonly #end: (pool: Pool) => void

  /** `poolTo`: a new pool, or the one before, brought up to date; `end`: nobody has mail for it any more. */
  constructor(poolTo: (exchanger: Exchanger, before: Pool | undefined) => Pool, end: (pool: Pool) => void) {
    this.#poolTo = poolTo
    this.#end = end
  }

  *all(): Iterable<Pool> {
    for (const { pool } of this.#shared.values()) yield pool
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
      const shared = this.#sharedOf(pool)
      if (shared === undefined) continue
      shared.waiting.delete(lane)
      shared.lanes.delete(lane)
      if (shared.lanes.size > 0) continue
      this.#shared.delete(pool.name)
      this.#end(pool)
    }
  }

  /** Whatever place is free first at one of these is for this lane, behind those that wait already. */
  wait(lane: Lane, pools: readonly Pool[]): void {
    for (const pool of pools) this.#sharedOf(pool)?.waiting.add(lane)
  }

  /** Those that wait for it, as long as it has a free place; each waits no more. */
  *next(pool: Pool): Iterable<Lane> {
    const waiting = this.#sharedOf(pool)?.waiting
    if (waiting === undefined || waiting.size === 0) return
    for (const lane of [...waiting]) {
      if (pool.inUse >= pool.places) return
      waiting.delete(lane)
      yield lane
    }
  }

  #join(lane: Lane, exchanger: Exchanger): Pool {
    const before = this.#shared.get(exchanger.host)
    const pool = this.#poolTo(exchanger, before?.pool)
    if (before === undefined) this.#shared.set(exchanger.host, { pool, lanes: new Set([lane]), waiting: new Set() })
    else before.lanes.add(lane)
    return pool
  }

  /** Undefined of a smarthost, and of an exchanger that has ended: it may have another pool by now. */
  #sharedOf(pool: Pool): Shared<Lane> | undefined {
    const shared = this.#shared.get(pool.name)
    return shared?.pool === pool ? shared : undefined
  }
}
