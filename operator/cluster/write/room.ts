/**
 * Bounds how much is done at once. What takes long makes room for others; and no one namespace takes all of the room with
 * requests that never end.
 */

export type Space = {
  /** The most at once of what has not yet taken long. */
  readonly most: number
  /** The most at once of everything. */
  readonly mostInAll: number
  /** The most at once for one namespace, which may hang, or refuse only after a long time. */
  readonly mostOfOne: number
  readonly longMs: number
}

/**
 * Calls wait for their turn in one queue of the client (`pace.ts`): the few hundred milliseconds that they may all take there
 * do not count as long.
 */
export const ordinarySpace: Space = { most: 32, mostInAll: 128, mostOfOne: 32, longMs: 250 }

export class Room {
  readonly #space: Space
  readonly #freed: () => void
  #prompt = 0
  #inAll = 0
  readonly #of = new Map<string, number>()

  /** `freed` is called when there may be room again. */
  constructor(freed: () => void, space: Space = ordinarySpace) {
    this.#space = space
    this.#freed = freed
  }

  /** Whether there is no room for anyone. */
  get isFull(): boolean {
    return this.#prompt >= this.#space.most || this.#inAll >= this.#space.mostInAll
  }

  hasFor(whose: string): boolean {
    return !this.isFull && this.#count(whose) < this.#space.mostOfOne
  }

  /** Takes a place, and returns what gives it back, to be called once; undefined where there is no room for this one now. */
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
