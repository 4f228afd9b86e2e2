/** A content has to keep coming: else a client that sends an octet now and then holds a connection and a queue entry for ever. */
import { Alarm } from '../alarm.ts'

/** How slow a content may be: see `Patience`. */
export type Pace = { readonly bytesPerSecond: number; readonly patienceMs: number }

/**
 * A client has `patienceMs` to spend on waiting for its octets. Every octet that comes earns time back, at `bytesPerSecond` and up to
 * the whole; the time in which we deal with them ourselves is not counted. One of these serves all contents of a session.
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

  /** The next content begins, with all of the patience. */
  begin(): void {
    this.#left = this.#pace.patienceMs
  }

  /** From here on we wait for the client. */
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

  /** The content is over. Its timer is left to run out, since the next content may use it. */
  end(): void {
    this.#alarm.unset()
  }

  /** The session is over: the timer is cleared, so that it does not keep the process alive. */
  over(): void {
    this.#alarm.end()
  }
}
