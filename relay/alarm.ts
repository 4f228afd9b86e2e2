/** Rings when a time is over. Most times are set anew long before: one timer serves many of them, and none is made for each. */
import { longestTimerMs } from './timer.ts'
import { afterWholeTurn } from './whole-turn.ts'

/** This process was busy, or stopped. */
const lateMs = 50

export class Alarm {
  readonly #ring: () => void
  #at = Number.POSITIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  /** Not later than `#at`, while there is a timer. */
  #looksAt = 0

  constructor(ring: () => void) {
    this.#ring = ring
  }

  /** In place of the time before. */
  set(ms: number): void {
    this.#at = performance.now() + ms
    if (this.#timer !== undefined && this.#looksAt <= this.#at) return
    clearTimeout(this.#timer)
    this.#lookAfter(ms)
  }

  /** Until it is set again; its timer may pass for nothing. */
  unset(): void {
    this.#at = Number.POSITIVE_INFINITY
  }

  /** Nothing is left that could hold the process. */
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

  /** What came while this process had no time to look came in time. */
  readonly #ringIfOver = (): void => {
    if (performance.now() < this.#at) return
    this.unset()
    this.#ring()
  }
}
