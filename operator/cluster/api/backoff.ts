/** How long to wait after failures in a row. Pure. */
import { ApiError } from './api-error.ts'

export type Backoff = { readonly firstMs: number; readonly longestMs: number }

/** Doubles with each failure; `jitter` in [0, 1) spreads it over the upper half, so that replicas do not march in step. */
export function backoffMs(failures: number, { firstMs, longestMs }: Backoff, jitter: number): number {
  if (failures <= 0) return 0
  const full = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 30))
  return full / 2 + (full / 2) * jitter
}

/** 0.8 to 1.2 times `ms`, so that what comes again and again does not come all at one moment; `jitter` is in [0, 1). */
export const spread = (ms: number, jitter: number): number => ms * (0.8 + 0.4 * jitter)

const longestAskedMs = 60_000

/**
 * The longer of `backoffMs` and the time that the API server asked for (Retry-After); where `error` is undefined, or comes
 * from no server, only the first.
 */
export const waitAfterMs = (error: unknown, failures: number, backoff: Backoff, jitter: number): number =>
  Math.max(askedMs(error), backoffMs(failures, backoff, jitter))

/** At most a minute, since a server may ask for any time, and whoever waits hears of no revocation meanwhile. */
function askedMs(error: unknown): number {
  const wish = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0
  return Number.isNaN(wish) ? 0 : Math.min(wish, longestAskedMs)
}
