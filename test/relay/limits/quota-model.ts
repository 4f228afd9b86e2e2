/** A model, without a store, of the script by which relays count together; one recipient is earned back each hour. */
import { expect } from 'vitest'
import type { Verdict } from '../../../relay/limits/quota-script.ts'

export const hour = 3_600_000

export class QuotaModel {
  readonly #daily: number
  readonly #burst: number
  /** What each relay has counted itself; `#certain` are those that have had an answer of the store since their start. */
  readonly #own = new Map<string, number>()
  readonly #certain = new Set<string>()
  /** What the store knows of each relay; `#taken` is how much of the burst is used. */
  readonly #known = new Map<string, number>()
  #taken = 0

  constructor(daily: number, burst: number) {
    this.#daily = daily
    this.#burst = burst
  }

  get total(): number {
    return [...this.#known.values()].reduce((a, b) => a + b, 0)
  }

  standing(relay: string): { readonly own: number; readonly certain: boolean } {
    return { own: this.#own.get(relay) ?? 0, certain: this.#certain.has(relay) }
  }

  known(relay: string): number {
    return this.#known.get(relay) ?? 0
  }

  flush(): void {
    this.#known.clear()
    this.#taken = 0
  }

  /** The relay starts again without its file, and so has forgotten its count. */
  restart(relay: string): void {
    this.#own.set(relay, 0)
    this.#certain.delete(relay)
  }

  /** The relay counts by itself, while there is no store. */
  count(relay: string, recipients: number): void {
    this.#own.set(relay, Math.max(0, this.standing(relay).own + recipients))
  }

  /** A relay that has had no answer yet may have forgotten, so the larger count is right; otherwise, its own is. */
  ask(relay: string, messages: readonly number[]): readonly Verdict[] {
    const { own, certain } = this.standing(relay)
    this.#known.set(relay, certain ? own : Math.max(own, this.known(relay)))
    const verdicts = messages.map((recipients) => this.#judge(relay, recipients))
    this.#own.set(relay, this.known(relay))
    this.#certain.add(relay)
    return verdicts
  }

  #judge(relay: string, recipients: number): Verdict {
    const left = this.#daily - this.total
    if (recipients > left) return { kind: 'daily', left: Math.max(0, left) }
    if (recipients > this.#burst) return { kind: 'rate', waitMs: Number.POSITIVE_INFINITY }
    const over = this.#taken + recipients - this.#burst
    // Only nearly so much, since a little is earned back while the test runs.
    if (over > 0) return { kind: 'rate', waitMs: expect.closeTo(over * hour, -5) }
    this.#known.set(relay, this.known(relay) + recipients)
    this.#taken += recipients
    return { kind: 'granted' }
  }
}
