/** Limits a rate evenly and without bursts: never more than so many pass in any second, however inexact timers are. */
import { setTimeout as wait } from 'node:timers/promises'

/** A pass that comes late, because timers are inexact and a busy machine more so, may make up for at most so much of it. */
const slackMs = 50

export class Turnstile {
  /**
   * A little longer than an even share, so that even a second with the slack at both of its ends has no more than `perSecond`
   * passes.
   */
  readonly #stepMs: number
  #due = Number.NEGATIVE_INFINITY
  /** Resolves when the next caller may pass. */
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
