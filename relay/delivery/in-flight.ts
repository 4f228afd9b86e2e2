/** How much is under way, of which messages, and who waits until nothing is. */

export class InFlight {
  /** How much of each, by its queue id. */
  readonly #of = new Map<string, number>()
  #whenNone: (() => void)[] = []

  /** Each message once, however many attempts are open for it. */
  get messages(): Iterable<string> {
    return this.#of.keys()
  }

  begin(queueId: string): void {
    this.#of.set(queueId, (this.#of.get(queueId) ?? 0) + 1)
  }

  end(queueId: string): void {
    const left = (this.#of.get(queueId) ?? 0) - 1
    if (left > 0) this.#of.set(queueId, left)
    else this.#of.delete(queueId)
    if (this.#of.size > 0) return
    for (const resolve of this.#whenNone.splice(0)) resolve()
  }

  /** Waits, and does not count as under way meanwhile: a relay that stops does not wait for it. */
  async without(queueId: string, waited: Promise<void>): Promise<void> {
    this.end(queueId)
    await waited
    this.begin(queueId)
  }

  none(): Promise<void> {
    if (this.#of.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#whenNone.push(resolve))
  }
}
