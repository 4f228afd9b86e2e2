/** How much is under way, and who waits until nothing is. */

export class InFlight {
  #count = 0
  #whenNone: (() => void)[] = []

  get count(): number {
    return this.#count
  }

  begin(): void {
    this.#count++
  }

  end(): void {
    this.#count--
    if (this.#count > 0) return
    for (const resolve of this.#whenNone.splice(0)) resolve()
  }

  /** What is waited for is not under way: whoever stops does not wait for it. */
  async without(waited: Promise<void>): Promise<void> {
    this.end()
    await waited
    this.begin()
  }

  none(): Promise<void> {
    if (this.#count === 0) return Promise.resolve()
    return new Promise((resolve) => this.#whenNone.push(resolve))
  }
}
