/** One route at work: what waits for it, and the pools of its smarthosts in the order of their priority. */
import type { RouteConfig } from '../config.ts'
import { choose } from './choose.ts'
import type { Pool } from './pool.ts'
import { ReadyQueue } from './ready-queue.ts'
import type { Parcel } from './tracked.ts'

export type Job = { readonly parcel: Parcel; readonly pool: Pool }
/** `down`: what waits can go nowhere. */
export type Wait = { readonly down: boolean; readonly until?: number }

export class Lane {
  readonly route: RouteConfig
  readonly pools: readonly Pool[]
  readonly ready = new ReadyQueue<Parcel>()
  /** Failed elsewhere, and at once for another smarthost: before all others, and never in their way. */
  #again: Parcel[] = []
  #turn = 0
  #wake: NodeJS.Timeout | undefined
  #wakesAt: number | undefined
  /** Done at the smarthosts, and not yet in the spool; it goes on over a reload. */
  readonly unsettled: { count: number }

  constructor(route: RouteConfig, pools: readonly Pool[], unsettled = { count: 0 }) {
    this.route = route
    this.unsettled = unsettled
    this.pools = pools.toSorted((a, b) => a.priority - b.priority)
  }

  get waiting(): number {
    return this.ready.size + this.#again.length
  }

  add(parcel: Parcel): void {
    this.ready.push(parcel.message.envelope.credential, parcel)
  }

  /** True when another smarthost will take it; `busy` ones are waited for. */
  addAgain(parcel: Parcel, now: number): boolean {
    if (this.#choose(parcel, now).kind === 'down') return false
    this.#again.push(parcel)
    return true
  }

  /** The next parcel and its smarthost; else when to look again, where time alone may change it. */
  next(now: number): Job | Wait {
    const first = this.#nextAgain(now)
    if ('pool' in first || this.ready.size === 0) return first
    const choice = choose(this.pools, undefined, now, this.#turn++)
    if (choice.kind !== 'use') return { down: choice.kind === 'down', ...earlier(first, choice) }
    const parcel = this.ready.shift()
    return parcel === undefined ? first : { parcel, pool: choice.candidate }
  }

  #nextAgain(now: number): Job | Wait {
    let wait: Wait = { down: false }
    for (const parcel of [...this.#again]) {
      const choice = this.#choose(parcel, now)
      if (choice.kind === 'busy') {
        wait = { down: false, ...earlier(wait, choice) }
        continue
      }
      this.#again = this.#again.filter((other) => other !== parcel)
      if (choice.kind === 'use') return { parcel, pool: choice.candidate }
      this.add({ message: parcel.message, recipients: parcel.recipients })
    }
    return wait
  }

  /** Rings once, at the earliest time asked for; true when nothing was set before. */
  wakeAt(at: number, now: number, ring: () => void): boolean {
    const set = this.#wakesAt !== undefined
    if (this.#wakesAt !== undefined && this.#wakesAt <= at) return false
    clearTimeout(this.#wake)
    this.#wakesAt = at
    this.#wake = setTimeout(
      () => {
        this.#wakesAt = undefined
        ring()
      },
      Math.max(1, at - now),
    ).unref()
    return !set
  }

  /** Everything that waits; the lane is used no more. */
  empty(): readonly Parcel[] {
    clearTimeout(this.#wake)
    return [...this.#again.splice(0), ...this.ready.take(() => true)]
  }

  #choose(parcel: Parcel, now: number) {
    return choose(this.pools, parcel.tried, now, this.#turn)
  }
}

function earlier(a: { readonly until?: number }, b: { readonly until?: number }): { until?: number } {
  if (a.until === undefined) return b.until === undefined ? {} : { until: b.until }
  return { until: Math.min(a.until, b.until ?? a.until) }
}
