/** So many places, the last tenth of them for credentials that have none: strangers decide how long each is held (decision 0058). */

const openShare = 0.9

export class Places {
  /** How many there are. */
  most: number
  #taken = 0
  readonly #takenBy = new Map<string, number>()

  constructor(most = Number.POSITIVE_INFINITY) {
    this.most = most
  }

  get taken(): number {
    return this.#taken
  }

  take(credential: string): void {
    this.#taken++
    this.#takenBy.set(credential, (this.#takenBy.get(credential) ?? 0) + 1)
  }

  leave(credential: string): void {
    this.#taken--
    const left = (this.#takenBy.get(credential) ?? 0) - 1
    if (left > 0) this.#takenBy.set(credential, left)
    else this.#takenBy.delete(credential)
  }

  /** Undefined: whoever it is for may have places already. */
  hasOneFor(credential: string | undefined): boolean {
    if (this.#taken >= this.most) return false
    if (this.#taken < Math.ceil(this.most * openShare)) return true
    return credential !== undefined && !this.#takenBy.has(credential)
  }
}
