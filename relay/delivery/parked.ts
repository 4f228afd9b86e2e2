/** Messages left to the spool until their turn comes, a number for each, in the order of a ready queue; nobody is in it twice. */
import { Column } from '../spool/column.ts'
import { ReadyQueue } from './ready-queue.ts'

/** A column suits many marked handles, `FewMarks` a few. */
export type Marks = Pick<Column, 'get' | 'set'>

export class Parked {
  readonly #queue = new ReadyQueue<number>()
  /** 1 for each handle that is in it. */
  readonly #there: Marks

  constructor(marks: Marks = new Column('octets')) {
    this.#there = marks
  }

  get size(): number {
    return this.#queue.size
  }

  has(credential: string): boolean {
    return this.#queue.has(credential)
  }

  push(credential: string, handle: number): void {
    if (this.#there.get(handle) !== 0) return
    this.#there.set(handle, 1)
    this.#queue.push(credential, handle)
  }

  shift(): number | undefined {
    return this.#left(this.#queue.shift())
  }

  shiftOf(mayBe: (credential: string) => boolean): number | undefined {
    return this.#left(this.#queue.shiftOf(mayBe))
  }

  #left(handle: number | undefined): number | undefined {
    if (handle !== undefined) this.#there.set(handle, 0)
    return handle
  }

  take(matches: (handle: number) => boolean): number[] {
    const taken = this.#queue.take(matches)
    for (const handle of taken) this.#there.set(handle, 0)
    return taken
  }
}
