/** A content has to keep coming: who sends a drop at a time holds a connection, and a queue entry, for as long as it likes. */

export type Pace = { readonly bytesPerSecond: number; readonly patienceMs: number }

/**
 * The time to wait for the next octets is what is left of the patience; octets buy it back at the rate. Time that we
 * spend on them ourselves does not count. Octets only put the end off: the timer is set anew when it is due, and not for each of them.
 */
export class Patience {
  readonly #pace: Pace
  readonly #tooSlow: () => void
  #left: number
  #since = 0
  #waits = false
  #timer: NodeJS.Timeout | undefined

  constructor(pace: Pace, tooSlow: () => void) {
    this.#pace = pace
    this.#tooSlow = tooSlow
    this.#left = pace.patienceMs
  }

  /** From here on it is the client that we wait for. */
  wait(): void {
    this.#since = performance.now()
    this.#waits = true
    this.#timer ??= setTimeout(this.#due, this.#left)
  }

  came(octets: number): void {
    this.#waits = false
    const { bytesPerSecond, patienceMs } = this.#pace
    this.#left = Math.min(patienceMs, Math.max(0, this.#unused) + (octets * 1000) / bytesPerSecond)
  }

  end(): void {
    this.#waits = false
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  get #unused(): number {
    return this.#left - (performance.now() - this.#since)
  }

  readonly #due = (): void => {
    this.#timer = undefined
    if (!this.#waits) return
    const unused = this.#unused
    if (unused > 0) this.#timer = setTimeout(this.#due, unused)
    else this.#tooSlow()
  }
}
