/**
 * A rate as GCRA: what was taken moves one moment on a monotonic clock, at which all of it will have been earned. Pure.
 * In any time of length `t` at most `burst + t / intervalMs` are taken, however they are spread; nothing is added up, so
 * nothing drifts.
 */

export type Rate = {
  /** The time that earns one. */
  readonly intervalMs: number
  /** So many may be taken at once after a pause. */
  readonly burst: number
}

/** When all that was taken is earned, one in each interval. */
export type Earned = { readonly at: number; readonly intervalMs: number }

/** 0: `count` may be taken now. `earned` is what `afterTaking` said last; absent: nothing was taken. */
export function waitMs(rate: Rate, earned: Earned | undefined, count: number, now: number): number {
  if (count > rate.burst) return Number.POSITIVE_INFINITY
  return Math.max(0, owedMs(rate, earned, now) - (rate.burst - count) * rate.intervalMs)
}

/** When this is earned, too. */
export const afterTaking = (rate: Rate, earned: Earned | undefined, count: number, now: number): Earned => ({
  at: now + owedMs(rate, earned, now) + count * rate.intervalMs,
  intervalMs: rate.intervalMs,
})

/**
 * `earned` itself where the rate is the same. Where it is another one, what is owed is earned at that from here on: whoever
 * does not remember this would have it earned as slowly as before, and told at each look that it is nearly earned.
 */
export function atRate(rate: Rate, earned: Earned | undefined, now: number): Earned | undefined {
  const { intervalMs, burst } = rate
  // Who is about to leave hands out nothing, and forgets nothing.
  if (earned === undefined || burst === 0) return earned
  const isSame = earned.intervalMs === intervalMs && earned.at - now <= burst * intervalMs
  return isSame ? earned : { at: now + owedMs(rate, earned, now), intervalMs }
}

/** Nobody owes more than a burst; and where the rate is another one by now, what is owed is as many, not as long. */
function owedMs({ intervalMs, burst }: Rate, earned: Earned | undefined, now: number): number {
  const ms = earned === undefined ? 0 : Math.max(0, earned.at - now)
  const owed = earned === undefined || earned.intervalMs === intervalMs ? ms : (ms / earned.intervalMs) * intervalMs
  return Math.min(owed, burst * intervalMs)
}
