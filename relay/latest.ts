/**
 * Remembers the `most` names that were set last, each with its value; beyond that, the one that was set longest ago is forgotten.
 */
export class Latest<T> {
  readonly #most: number
  readonly #values = new Map<string, T>()

  constructor(most: number) {
    this.#most = most
  }

  get(name: string): T | undefined {
    return this.#values.get(name)
  }

  set(name: string, value: T): void {
    this.#values.delete(name)
    this.#values.set(name, value)
    if (this.#values.size <= this.#most) return
    const [oldest] = this.#values.keys()
    if (oldest !== undefined) this.#values.delete(oldest)
  }

  delete(name: string): void {
    this.#values.delete(name)
  }

  /** The one that was set last comes last. */
  names(): Iterable<string> {
    return this.#values.keys()
  }
}
