/** Lets one after the other through, never sooner than a step after the one before: a rate without bursts. */
import { setTimeout as wait } from 'node:timers/promises'

export class Turnstile {
  readonly #stepMs: number
  /** Resolves when the one before is a step away. */
  #free: Promise<void> = Promise.resolve()

  constructor(perSecond: number) {
    this.#stepMs = 1000 / perSecond
  }

  /** Resolves in the order of the calls; the step begins when it does. */
  pass(): Promise<void> {
    const mine = this.#free
    this.#free = mine.then(async () => {
      const end = performance.now() + this.#stepMs
      // Timers of Node may fire a little early.
      for (let left = this.#stepMs; left > 0; left = end - performance.now()) {
        await wait(Math.ceil(left), undefined, { ref: false })
      }
    })
    return mine
  }
}
