/** A number for each segment that something lies in, since rows hold numbers. That in its name may be another segment's, too. */
import type { Segment } from './segment.ts'

export class Numbered {
  readonly #segments = new Map<number, Segment>()
  readonly #numbers = new Map<Segment, number>()
  #last = 0

  /** From 1. */
  numberOf(segment: Segment): number {
    const known = this.#numbers.get(segment)
    if (known !== undefined) return known
    this.#last += 1
    this.#numbers.set(segment, this.#last)
    this.#segments.set(this.#last, segment)
    return this.#last
  }

  /** Undefined: nothing lies in it. */
  find(segment: Segment): number | undefined {
    return this.#numbers.get(segment)
  }

  segmentOf(number: number): Segment | undefined {
    return this.#segments.get(number)
  }

  /** Nothing lies in it any more. */
  forget(segment: Segment): void {
    const number = this.#numbers.get(segment)
    this.#numbers.delete(segment)
    if (number !== undefined) this.#segments.delete(number)
  }
}
