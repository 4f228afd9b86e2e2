/** Records that damage took away. Any of them may have said that an older message has left, or where its recipients stood. */
import type { Place, Segment } from './segment.ts'

type Position = Pick<Place, 'segment' | 'at'>

export class LostRecords {
  /** The last one suffices: whatever an earlier one may concern stands before this one, too. */
  #last: Position | undefined

  get isEmpty(): boolean {
    return this.#last === undefined
  }

  add(segment: Segment, at: number): void {
    if (this.#last === undefined || isBefore(this.#last, { segment, at })) this.#last = { segment, at }
  }

  /** Whether one of them may have been about a message whose last record that we know lies there. */
  mayConcern(lastWord: Place): boolean {
    return this.#last !== undefined && isBefore(lastWord, this.#last)
  }
}

const isBefore = (a: Position, b: Position): boolean =>
  a.segment.name < b.segment.name || (a.segment.name === b.segment.name && a.at < b.at)
