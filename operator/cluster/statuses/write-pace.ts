/** How often one status is written: whoever sets back what is written would be answered without an end. */
import { Pace } from '../api/pace.ts'

const inARow = 20
const stepMs = 5000
/** What is taken with one write is the time of the next. */
const writes = { perSecond: 1000 / stepMs, burst: inARow - 1 }

const heldUp =
  `its status was written ${inARow} times in a row, and is every ${stepMs / 1000} s from now on; if another program, or a second ` +
  'operator that watches its namespace, sets it back, have it leave this object alone'

export class WritePace {
  readonly #pace = new Pace(writes)
  #notBefore = 0
  #isTold = false

  /** Until when it is held up, which `tell` is told once; undefined: this is the time to write, and it is taken. */
  heldUntil(now: number, tell: (why: string) => void): number | undefined {
    const waits = this.#notBefore - now
    // A clock that was set back holds nothing up.
    if (waits > 0 && waits <= stepMs) {
      if (!this.#isTold) tell(heldUp)
      this.#isTold = true
      return this.#notBefore
    }
    const ms = this.#pace.waitMs(now)
    this.#notBefore = now + ms
    if (ms === 0) this.#isTold = false
    return undefined
  }
}
