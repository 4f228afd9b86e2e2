/** A content has to keep coming: who sends a drop at a time holds a connection, and a queue entry, for as long as it likes. */
import { Alarm } from '../alarm.ts'

export type Pace = { readonly bytesPerSecond: number; readonly patienceMs: number }

/**
 * The time to wait for the next octets is what is left of the patience; octets buy it back at the rate. Time that we
 * spend on them ourselves does not count. One of these serves all contents of a session.
 */
export class Patience {
  readonly #pace: Pace
  readonly #alarm: Alarm
  #left: number
  #since = 0

  constructor(pace: Pace, tooSlow: () => void) {
    this.#pace = pace
    this.#alarm = new Alarm(tooSlow)
    this.#left = pace.patienceMs
  }

  /** Of the next content. */
  begin(): void {
    this.#left = this.#pace.patienceMs
  }

  /** From here on it is the client that we wait for. */
  wait(): void {
    this.#since = performance.now()
    this.#alarm.set(this.#left)
  }

  came(octets: number): void {
    this.#alarm.unset()
    const { bytesPerSecond, patienceMs } = this.#pace
    const unused = Math.max(0, this.#left - (performance.now() - this.#since))
    this.#left = Math.min(patienceMs, unused + (octets * 1000) / bytesPerSecond)
  }

  /** Of a content; its timer may pass for nothing. */
  end(): void {
    this.#alarm.unset()
  }

  /** Nothing is left that could hold the process. */
  over(): void {
    this.#alarm.end()
  }
}
