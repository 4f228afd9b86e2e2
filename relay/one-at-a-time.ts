/** Something that is asked for again and again is done one at a time; however often, one is enough that begins after the last question. */

export class OneAtATime {
  readonly #act: () => Promise<void>
  #done: Promise<void>
  #isAhead = false

  /** `act` never throws; the first one begins when `before` is over. */
  constructor(act: () => Promise<void>, before: Promise<void> = Promise.resolve()) {
    this.#act = act
    this.#done = before
  }

  /** When all that was asked for until now is done. */
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
