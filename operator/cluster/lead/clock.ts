/** How much time has passed, for callers who must not act too late: the larger of what two clocks say. */

/** Milliseconds since `start`, in pairs of the monotonic clock and the wall clock. */
export type Moment = { readonly monotonic: number; readonly wall: number }

export type Clock = () => Moment

export const clock: Clock = () => ({ monotonic: performance.now(), wall: Date.now() })

/**
 * Milliseconds, never fewer than have passed: the monotonic clock stands still while a machine sleeps, and the wall clock may
 * be set back.
 */
export const elapsedMs = (from: Moment, to: Moment): number =>
  Math.max(to.monotonic - from.monotonic, to.wall - from.wall)
