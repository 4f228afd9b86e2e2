/**
 * How soon a relay is asked again: quickly while it is expected to change, and less and less often while it does not. Pure.
 */

const quickMs = 100
const slowMs = { shortest: 5000, longest: 10_000 }

/**
 * `lagsMs`: how long it has not been as it should be; undefined: it is as it should be. `spread` in [0, 1) is each pod's own,
 * so that hundreds of them are not asked at the same moment. Milliseconds.
 */
export function askAgainMs(lagsMs: number | undefined, spread: number): number {
  const slow = slowMs.shortest + (slowMs.longest - slowMs.shortest) * spread
  // After four quick questions each waits a quarter of the time so far: about a dozen questions in the first three seconds.
  return lagsMs === undefined ? slow : Math.min(slow, Math.max(quickMs, lagsMs / 4))
}
