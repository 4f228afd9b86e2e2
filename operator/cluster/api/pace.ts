/** A steady rate with bursts, as a virtual schedule (the generic cell rate algorithm, GCRA). Pure. */

export type Rate = { readonly perSecond: number; readonly burst: number }

export class Pace {
  readonly #stepMs: number
  readonly #burstMs: number
  #due = Number.NEGATIVE_INFINITY

  constructor({ perSecond, burst }: Rate) {
    this.#stepMs = 1000 / perSecond
    this.#burstMs = burst * this.#stepMs
  }

  /** Takes the next place, and returns how long to wait for it, in milliseconds. */
  waitMs(now: number): number {
    this.#due = Math.max(this.#due, now) + this.#stepMs
    return Math.max(0, this.#due - this.#burstMs - now)
  }
}
