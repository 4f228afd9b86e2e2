/** Room for so much at once: what takes long makes room for others, and nobody takes all of it with what never ends. */

export type Space = {
  /** At once, of what has not yet taken long. */
  readonly most: number
  /** At once, with what takes long. */
  readonly mostInAll: number
  /** Of that, for one whose namespace hangs, or refuses after a long time. */
  readonly mostOfOne: number
  readonly longMs: number
}

/** Calls wait in one queue: the few hundred milliseconds that all of these take there are not long. */
export const ordinarySpace: Space = { most: 32, mostInAll: 128, mostOfOne: 32, longMs: 250 }

export class Room {
  readonly #space: Space
  readonly #freed: () => void
  #prompt = 0
  #inAll = 0
  readonly #of = new Map<string, number>()

  /** `freed`: whoever waits may try again. */
  constructor(freed: () => void, space: Space = ordinarySpace) {
    this.#space = space
    this.#freed = freed
  }

  /** Whether there is none, for anybody. */
  get isFull(): boolean {
    return this.#prompt >= this.#space.most || this.#inAll >= this.#space.mostInAll
  }

  hasFor(whose: string): boolean {
    return !this.isFull && this.#count(whose) < this.#space.mostOfOne
  }

  /** To be called once, at the end; undefined where there is no room for this one now. */
  enter(whose: string): (() => void) | undefined {
    if (!this.hasFor(whose)) return undefined
    this.#add(whose, 1)
    this.#prompt += 1
    let isLong = false
    const long = setTimeout(() => {
      isLong = true
      this.#prompt -= 1
      this.#freed()
    }, this.#space.longMs)
    return () => {
      clearTimeout(long)
      if (!isLong) this.#prompt -= 1
      this.#add(whose, -1)
      this.#freed()
    }
  }

  #count(whose: string): number {
    return this.#of.get(whose) ?? 0
  }

  #add(whose: string, n: number): void {
    this.#inAll += n
    const now = this.#count(whose) + n
    if (now === 0) this.#of.delete(whose)
    else this.#of.set(whose, now)
  }
}
