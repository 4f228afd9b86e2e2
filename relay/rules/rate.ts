/**
 * A rate as GCRA (generic cell rate algorithm): all state is one moment on a monotonic clock, at which all that was taken will
 * have been earned. In any time of length `t` at most `burst + t / intervalMs` are taken, however they are spread. Nothing is
 * added up over time, so nothing drifts. Pure.
 */

export type Rate = {
  /** The time that earns one. */
  readonly intervalMs: number
  /** So many may be taken at once after a pause. */
  readonly burst: number
}

/** `at`: when all that was taken will be earned, one in each `intervalMs`; milliseconds of the monotonic clock. */
export type Earned = { readonly at: number; readonly intervalMs: number }

/**
 * How long to wait before `count` may be taken; 0: now, infinite: never, as it is more than a burst. `earned`: see `afterTaking`.
 */
export function waitMs(rate: Rate, earned: Earned | undefined, count: number, now: number): number {
  if (count > rate.burst) return Number.POSITIVE_INFINITY
  return Math.max(0, owedMs(rate, earned, now) - (rate.burst - count) * rate.intervalMs)
}

/** When `count` more are earned as well. `earned` is what this returned last; undefined: nothing was taken yet. */
export const afterTaking = (rate: Rate, earned: Earned | undefined, count: number, now: number): Earned => ({
  at: now + owedMs(rate, earned, now) + count * rate.intervalMs,
  intervalMs: rate.intervalMs,
})

/**
 * `earned` by this rate: the same object where the rate has not changed. Where it has, as many recipients are owed as before, and
 * from now on they are earned at the new rate. The caller has to keep what it gets: converted anew at each look, what is owed
 * would never shrink.
 */
export function atRate(rate: Rate, earned: Earned | undefined, now: number): Earned | undefined {
  const { intervalMs, burst } = rate
  // A burst of 0 is that of a relay that is about to leave: it hands out nothing, and what it owes stays as it is.
  if (earned === undefined || burst === 0) return earned
  const isSame = earned.intervalMs === intervalMs && earned.at - now <= burst * intervalMs
  return isSame ? earned : { at: now + owedMs(rate, earned, now), intervalMs }
}

/**
 * The time in which what is owed will be earned at this rate: of the same number of recipients as before, and of a burst at the
 * most.
 */
function owedMs({ intervalMs, burst }: Rate, earned: Earned | undefined, now: number): number {
  const ms = earned === undefined ? 0 : Math.max(0, earned.at - now)
  const owed = earned === undefined || earned.intervalMs === intervalMs ? ms : (ms / earned.intervalMs) * intervalMs
  return Math.min(owed, burst * intervalMs)
}
