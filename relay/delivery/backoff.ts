/** How long a recipient waits for its next attempt. */

const jitterShare = 0.2

/** The step that the finished turns have reached, the last one repeating, give or take a fifth; `jitter` gives 0 to 1. */
export function backoffMs(scheduleMs: readonly number[], finishedTurns: number, jitter: () => number): number {
  const step = scheduleMs[Math.min(finishedTurns, scheduleMs.length) - 1] ?? scheduleMs[0] ?? 60_000
  return Math.round(step * (1 - jitterShare + 2 * jitterShare * jitter()))
}

/** Nobody waits longer by any of these schedules. */
export const longestBackoffMs = (schedules: readonly (readonly number[])[]): number =>
  Math.ceil(Math.max(...schedules.flat()) * (1 + jitterShare))
