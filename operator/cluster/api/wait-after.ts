/** How long to wait after a call that failed: the API server may ask for a time. Pure. */
import { type Backoff, backoffMs } from '../../backoff.ts'
import { ApiError } from './api-error.ts'

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
