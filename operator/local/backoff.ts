/** How long a relay that ended by itself waits for its next start. Pure. */

const firstMs = 250
const longestMs = 30_000
/** A relay that ran this long was healthy: what made earlier ones end is over. */
export const healthyAfterMs = 60_000

/** Doubles with each failure in a row; `jitter` in [0, 1) spreads it over the upper half. */
export const restartDelayMs = (failures: number, jitter: number): number => {
  const full = Math.min(longestMs, firstMs * 2 ** Math.max(0, failures - 1))
  return full / 2 + (full / 2) * jitter
}
