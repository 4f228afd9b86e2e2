/** Records whose word is lost: any of them may have said that a message of before it has left, or how far it had come. */
import type { Place, Segment } from './segment.ts'

type Position = Pick<Place, 'segment' | 'at'>

export class LostRecords {
  #last: Position | undefined

  get isEmpty(): boolean {
    return this.#last === undefined
  }

  add(segment: Segment, at: number): void {
    if (this.#last === undefined || isBefore(this.#last, { segment, at })) this.#last = { segment, at }
  }

  /** Whether one of them may have spoken of a message whose last word stands there. */
  mayConcern(lastWord: Place): boolean {
    return this.#last !== undefined && isBefore(lastWord, this.#last)
  }
}

const isBefore = (a: Position, b: Position): boolean =>
  a.segment.name < b.segment.name || (a.segment.name === b.segment.name && a.at < b.at)
