/** How long to wait after failures in a row. Pure. */

export type Backoff = { readonly firstMs: number; readonly longestMs: number }

/** Doubles with each failure; `jitter` in [0, 1) spreads it over the upper half, so that replicas do not march in step. */
export function backoffMs(failures: number, { firstMs, longestMs }: Backoff, jitter: number): number {
  if (failures <= 0) return 0
  const full = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 30))
  return full / 2 + (full / 2) * jitter
}

/** 0.8 to 1.2 times `ms`, so that what comes again and again does not come all at one moment; `jitter` is in [0, 1). */
export const spread = (ms: number, jitter: number): number => ms * (0.8 + 0.4 * jitter)
