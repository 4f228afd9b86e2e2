/** Calls back when a time is over. Most are set anew long before that, so one timer serves many of them in a row. */
import { longestTimerMs } from './timer.ts'
import { afterWholeTurn } from './whole-turn.ts'

/** A timer that is later than this was held up: the process was busy, or stopped. */
const lateMs = 50

export class Alarm {
  readonly #ring: () => void
  #at = Number.POSITIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  /** When the timer will look, on the monotonic clock; never later than `#at`. */
  #looksAt = 0

  constructor(ring: () => void) {
    this.#ring = ring
  }

  /** Rings in `ms` milliseconds, in place of the time that was set before. */
  set(ms: number): void {
    this.#at = performance.now() + ms
    if (this.#timer !== undefined && this.#looksAt <= this.#at) return
    clearTimeout(this.#timer)
    this.#lookAfter(ms)
  }

  /** Does not ring until it is set again. The timer stays, and may run out without effect. */
  unset(): void {
    this.#at = Number.POSITIVE_INFINITY
  }

  /** Clears the timer, so that it does not keep the process alive. */
  end(): void {
    this.unset()
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #lookAfter(ms: number): void {
    const soon = Math.min(ms, longestTimerMs)
    this.#looksAt = performance.now() + soon
    this.#timer = setTimeout(this.#look, soon)
  }

  readonly #look = (): void => {
    this.#timer = undefined
    if (this.#at === Number.POSITIVE_INFINITY) return
    const leftMs = this.#at - performance.now()
    if (leftMs > 0) this.#lookAfter(Math.ceil(leftMs))
    else if (leftMs < -lateMs) afterWholeTurn(this.#ringIfOver)
    else this.#ringIfOver()
  }

  /**
   * After a turn of the event loop where the timer was late: what came while the process was held up came in time, and sets it
   * anew.
   */
  readonly #ringIfOver = (): void => {
    if (performance.now() < this.#at) return
    this.unset()
    this.#ring()
  }
}
