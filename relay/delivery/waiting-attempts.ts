/** Attempts that got no connection while others were open: each gets the next one that comes back, the longest waiting first. */
import type { Opened } from './open.ts'

/** Undefined: there may be room for a new connection, so it asks again. */
type Answer = (opened: Opened | undefined) => void

export class WaitingAttempts {
  readonly #askAgainMs: number
  readonly #waiting: Answer[] = []
  #askAgain: NodeJS.Timeout | undefined

  constructor(askAgainMs: number) {
    this.#askAgainMs = askAgainMs
  }

  wait(): Promise<Opened | undefined> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#askAgainLater()
    })
  }

  /** The answer to the one that has waited longest, who waits no more. */
  next(): Answer | undefined {
    return this.#waiting.shift()
  }

  answerAll(opened: Opened | undefined): void {
    clearTimeout(this.#askAgain)
    this.#askAgain = undefined
    for (const answer of this.#waiting.splice(0)) answer(opened)
  }

  /** Now and then one of them asks again: connections may have ended, and the last one may be in use for an hour. */
  #askAgainLater(): void {
    if (this.#waiting.length === 0) return
    this.#askAgain ??= setTimeout(() => {
      this.#askAgain = undefined
      this.next()?.(undefined)
      this.#askAgainLater()
    }, this.#askAgainMs).unref()
  }
}
