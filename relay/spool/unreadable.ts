/** When a place that the disk fails to read counts as damaged: not at once, since most errors of a disk go away. */
import { isOfTheMedium } from './disk-error.ts'

/** How many reads have to fail before a place counts as damaged, and how many milliseconds they are apart. */
export type Patience = { readonly reads: number; readonly apartMs: number }

export const patience: Patience = { reads: 10, apartMs: 60_000 }

type Parts = {
  readonly patience: Patience
  /** Whether the disk takes what is written. One that does not is ill as a whole, which says nothing about a place on it. */
  readonly works: () => Promise<boolean>
  /** Does not jump when the clock is set. */
  readonly now?: () => number
}
type Failing = { readonly reads: number; readonly lastAt: number }

export class Unreadable {
  readonly #patience: Patience
  readonly #works: () => Promise<boolean>
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
      if (!isOfTheMedium(error) || (await this.#failedReads(place)) < this.#patience.reads) throw error
      return undefined
    }
  }

  async #failedReads(place: string): Promise<number> {
    const { reads, lastAt } = this.#failing.get(place) ?? { reads: 0, lastAt: Number.NEGATIVE_INFINITY }
    const now = this.#now()
    if (now - lastAt < this.#patience.apartMs) return reads
    const asked = { reads, lastAt: now }
    this.#failing.set(place, asked)
    const failed = (await this.#works()) ? reads + 1 : 0
    // Unless it was read, or asked for, meanwhile.
    if (this.#failing.get(place) === asked) this.#failing.set(place, { reads: failed, lastAt: now })
    return failed
  }
}
