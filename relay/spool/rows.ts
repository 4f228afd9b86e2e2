/** A place in the journal for each handle: three numbers. */
import { Column } from './column.ts'
import type { Numbered } from './numbered.ts'
import type { Place, Segment } from './segment.ts'

export class Rows {
  readonly #segments: Numbered
  /** Segment 0 is none. */
  readonly #segment = new Column('words')
  readonly #at = new Column('words')
  readonly #bytes = new Column('words')

  constructor(segments: Numbered) {
    this.#segments = segments
  }

  set(handle: number, { segment, at, bytes }: Place): void {
    this.#segment.set(handle, this.#segments.numberOf(segment))
    this.#at.set(handle, at)
    this.#bytes.set(handle, bytes)
  }

  clear(handle: number): void {
    if (this.#segment.get(handle) !== 0) this.#segment.set(handle, 0)
  }

  get(handle: number): Place | undefined {
    const segment = this.#segments.segmentOf(this.#segment.get(handle))
    return segment && { segment, at: this.#at.get(handle), bytes: this.#bytes.get(handle) }
  }

  isIn(handle: number, segment: Segment): boolean {
    return this.#segment.get(handle) === this.#segments.find(segment)
  }

  /** The handles below `top` whose place is in the segment. */
  in(segment: Segment, top: number): number[] {
    const number = this.#segments.find(segment)
    return number === undefined ? [] : this.#segment.indicesOf(number, top)
  }
}
