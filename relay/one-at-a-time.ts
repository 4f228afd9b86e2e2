/** Runs an act that is asked for again and again: never two at a time, and once more after the last time that it was asked for. */

export class OneAtATime {
  readonly #act: () => Promise<void>
  #done: Promise<void>
  #isAhead = false

  /** `act` must not throw; its first run begins when `before` has settled. */
  constructor(act: () => Promise<void>, before: Promise<void> = Promise.resolve()) {
    this.#act = act
    this.#done = before
  }

  /** Resolves when all that was asked for until now is done. */
  get done(): Promise<void> {
    return this.#done
  }

  ask(): void {
    if (this.#isAhead) return
    this.#isAhead = true
    this.#done = this.#done.then(() => {
      this.#isAhead = false
      return this.#act()
    })
  }
}
