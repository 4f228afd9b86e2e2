/**
 * How many messages are in no segment that was read, though the newest one counted them as ours and none says that they have left.
 * The oldest segments go without a word when nothing in them is needed: this tells that one went by another's hand. Pure.
 */
export class Absent {
  #count = 0
  /** Nothing is left to do for them, so a start that could write no removal may have deleted their segment. */
  readonly #done = new Set<string>()

  get count(): number {
    return Math.max(0, this.#count - this.#done.size)
  }

  /** Those not done with: `ours` by the record that opens a segment, which earlier versions did not say; `read` by the records before. */
  open(ours: number | undefined, read: number): void {
    this.#count = ours === undefined ? 0 : ours - read
  }

  /** One of which no record was read has been removed, or copied to where it is read. */
  leave(queueId: string): void {
    this.#done.delete(queueId)
    this.#count -= 1
  }

  /** One of which no record was read has been reported on, maybe in part, or all its recipients are done with. */
  end(queueId: string): void {
    this.#done.add(queueId)
  }

  /** Some of its recipients are not done with: what was reported on was not all of it. */
  goOn(queueId: string): void {
    this.#done.delete(queueId)
  }
}
