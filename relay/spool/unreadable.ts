/** When a place that the disk does not give out counts as damaged: not at once, since most errors of a disk go away. */
import { isOfTheMedium } from './disk-error.ts'

/** So many reads have to fail, each so long after the one before. */
export type Patience = { readonly reads: number; readonly apartMs: number }

export const patience: Patience = { reads: 10, apartMs: 60_000 }

type Parts = {
  readonly patience: Patience
  /** The disk takes what is written. One that does not is ill as a whole, which says nothing about a place on it. */
  readonly works: () => boolean
  /** Does not jump when the clock is set. */
  readonly now?: () => number
}
type Failing = { readonly reads: number; readonly lastAt: number }

export class Unreadable {
  readonly #patience: Patience
  readonly #works: () => boolean
  readonly #now: () => number
  readonly #failing = new Map<string, Failing>()

  constructor({ patience, works, now = () => performance.now() }: Parts) {
    this.#patience = patience
    this.#works = works
    this.#now = now
  }

  /** Undefined when the place counts as damaged. @throws the disk's error until then */
  async read<T>(place: string, deed: () => Promise<T>): Promise<T | undefined> {
    try {
      const got = await deed()
      this.#failing.delete(place)
      return got
    } catch (error) {
      if (!isOfTheMedium(error) || this.#failedReads(place) < this.#patience.reads) throw error
      return undefined
    }
  }

  #failedReads(place: string): number {
    if (!this.#works()) this.#failing.delete(place)
    const { reads, lastAt } = this.#failing.get(place) ?? { reads: 0, lastAt: Number.NEGATIVE_INFINITY }
    const now = this.#now()
    if (!this.#works() || now - lastAt < this.#patience.apartMs) return reads
    this.#failing.set(place, { reads: reads + 1, lastAt: now })
    return reads + 1
  }
}
