/** Messages that are whole and about to be decided: also where the client is gone, they may still become ours, and be counted. */

export class Settling {
  readonly #underWay = new Set<Promise<unknown>>()

  /** Returns the same promise. */
  during<T>(settled: Promise<T>): Promise<T> {
    this.#underWay.add(settled)
    const over = (): void => void this.#underWay.delete(settled)
    void settled.then(over, over)
    return settled
  }

  /** Resolves when those that are under way are decided. Never rejects. */
  async done(): Promise<void> {
    await Promise.allSettled(this.#underWay)
  }
}
