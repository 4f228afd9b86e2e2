/** How soon a relay is asked again: quickly while it is to change, and ever less often while it does not. Pure. */

const quickMs = 100
const slowMs = { shortest: 5000, longest: 10_000 }

/**
 * `lagsMs`: for how long it has not been as it should be; absent: it is. `spread` in [0, 1) is the pod's own, so that
 * hundreds of them are not asked in one moment.
 */
export function askAgainMs(lagsMs: number | undefined, spread: number): number {
  const slow = slowMs.shortest + (slowMs.longest - slowMs.shortest) * spread
  // After four quick ones each waits a quarter longer than all before it: a dozen in the first three seconds.
  return lagsMs === undefined ? slow : Math.min(slow, Math.max(quickMs, lagsMs / 4))
}
