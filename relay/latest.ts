/** The names that came last, up to a number; one that comes again is the latest anew, and the one that waited longest is forgotten. */
export class Latest {
  readonly #most: number
  readonly #names = new Set<string>()

  constructor(most: number) {
    this.#most = most
  }

  add(name: string): void {
    this.#names.delete(name)
    this.#names.add(name)
    const [oldest] = this.#names
    if (this.#names.size > this.#most && oldest !== undefined) this.#names.delete(oldest)
  }

  delete(name: string): void {
    this.#names.delete(name)
  }

  has(name: string): boolean {
    return this.#names.has(name)
  }

  /** The latest one last. */
  [Symbol.iterator](): Iterator<string> {
    return this.#names.values()
  }
}
