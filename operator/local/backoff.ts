/** How long to wait before a relay that ended by itself is started again. Pure. */

const firstMs = 250
const longestMs = 30_000
/** A relay that ran for so long was healthy, so counting its failures begins again. */
export const healthyAfterMs = 60_000

/** Doubles with each failure in a row. `jitter`, in [0, 1), picks a point in the upper half of that. */
export const restartDelayMs = (failures: number, jitter: number): number => {
  const full = Math.min(longestMs, firstMs * 2 ** Math.max(0, failures - 1))
  return full / 2 + (full / 2) * jitter
}
