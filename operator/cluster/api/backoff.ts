/** How long to wait after failures in a row. Pure. */
import { ApiError } from './api-error.ts'

export type Backoff = { readonly firstMs: number; readonly longestMs: number }

/** Doubles with each failure; `jitter` in [0, 1) spreads it over the upper half, so that replicas do not march in step. */
export function backoffMs(failures: number, { firstMs, longestMs }: Backoff, jitter: number): number {
  if (failures <= 0) return 0
  const full = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 30))
  return full / 2 + (full / 2) * jitter
}

const longestAskedMs = 60_000

/** As `backoffMs`, and as long as the server that refused us asks for; with no error, or none of a server, that alone. */
export const waitAfterMs = (error: unknown, failures: number, backoff: Backoff, jitter: number): number =>
  Math.max(askedMs(error), backoffMs(failures, backoff, jitter))

/** Within bounds: who waits hears of no revocation, and a wish may be any number. */
function askedMs(error: unknown): number {
  const wish = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0
  return Number.isNaN(wish) ? 0 : Math.min(wish, longestAskedMs)
}
