/** Notices a wall clock that was set: a step of over an hour would make the whole queue expire at once (case S23). */

const stepMs = 3_600_000

/** Asked when anything is accepted, and before it expires. Once stepped, nothing expires until the relay starts anew; it is told once. */
export function createClockWatch(wall: () => number, steady: () => number, onStep: (byMs: number) => void) {
  let stepped = false
  return {
    trusted(): boolean {
      const by = wall() - steady()
      if (!stepped && Math.abs(by) > stepMs) {
        stepped = true
        onStep(by)
      }
      return !stepped
    },
  }
}
