/** Bounds how often one status is written: a program that sets each write back would otherwise be answered without an end. */
import { Pace } from '../api/pace.ts'

const inARow = 20
const stepMs = 5000
/** `Pace` says with each write how long the next one has to wait, so its burst is one less. */
const writes = { perSecond: 1000 / stepMs, burst: inARow - 1 }

const heldUp =
  `its status was written ${inARow} times in a row, and is every ${stepMs / 1000} s from now on; if another program, or a second ` +
  'operator that watches its namespace, sets it back, have it leave this object alone'

export class WritePace {
  readonly #pace = new Pace(writes)
  #notBefore = 0
  #isTold = false

  /** Until when the status has to wait, which `tell` is told once; undefined: it is written now, and that is counted. */
  heldUntil(now: number, tell: (why: string) => void): number | undefined {
    const waits = this.#notBefore - now
    // Where a clock was set back, the wait would be longer than a step, and counts no more.
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
