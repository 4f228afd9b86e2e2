/** Counts events, and tells the most that fell into any stretch of one second. */

export class Busiest {
  readonly #times: number[] = []
  most = 0

  note(now: number): void {
    this.#times.push(now)
    while ((this.#times[0] ?? now) <= now - 1000) this.#times.shift()
    this.most = Math.max(this.most, this.#times.length)
  }
}
