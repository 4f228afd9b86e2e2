/** At most so many at once; who comes later waits in line. */

export class Permits {
  #free: number
  readonly #line: (() => void)[] = []

  constructor(most: number) {
    this.#free = most
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>((resolve) => this.#line.push(resolve))
    try {
      return await work()
    } finally {
      // Whoever is next takes over the permit of who ends.
      const next = this.#line.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }
}
