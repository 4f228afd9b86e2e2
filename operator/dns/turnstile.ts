/** Lets so many through in any second and never more, evenly: a rate without bursts, whatever timers do. */
import { setTimeout as wait } from 'node:timers/promises'

/** Who was let through late makes up for so much of it: timers have a grain, and a busy machine a coarser one. */
const slackMs = 50

export class Turnstile {
  /** Longer than an even share: a second with all of the slack in it has no more than its due, seen from the other end, too. */
  readonly #stepMs: number
  #due = Number.NEGATIVE_INFINITY
  /** Resolves when whoever comes next may pass. */
  #free: Promise<void> = Promise.resolve()

  constructor(perSecond: number) {
    this.#stepMs = (1000 + 2 * slackMs) / perSecond
  }

  /** Resolves in the order of the calls. */
  pass(): Promise<void> {
    const mine = this.#free
    this.#free = mine.then(async () => {
      this.#due = Math.max(this.#due, performance.now() - slackMs) + this.#stepMs
      // Timers of Node may fire a little early.
      for (let left = this.#due - performance.now(); left > 0; left = this.#due - performance.now()) {
        await wait(Math.ceil(left), undefined, { ref: false })
      }
    })
    return mine
  }
}
