/** A place in the journal for each handle: three numbers. */
import { Column } from './column.ts'
import type { Place, Segment } from './segment.ts'

export class Rows {
  /** Segment 0 is none. */
  readonly #segment = new Column('words')
  readonly #at = new Column('words')
  readonly #bytes = new Column('words')

  set(handle: number, { segment, at, bytes }: Place): void {
    this.#segment.set(handle, segment.number)
    this.#at.set(handle, at)
    this.#bytes.set(handle, bytes)
  }

  clear(handle: number): void {
    if (this.#segment.get(handle) !== 0) this.#segment.set(handle, 0)
  }

  get(handle: number, segments: ReadonlyMap<number, Segment>): Place | undefined {
    const segment = segments.get(this.#segment.get(handle))
    return segment && { segment, at: this.#at.get(handle), bytes: this.#bytes.get(handle) }
  }

  isIn(handle: number, segment: Segment): boolean {
    return this.#segment.get(handle) === segment.number
  }

  /** The handles below `top` whose place is in the segment. */
  in(segment: Segment, top: number): number[] {
    return this.#segment.indicesOf(segment.number, top)
  }
}
