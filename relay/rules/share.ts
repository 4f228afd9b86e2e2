/** What one relay of a fleet may hand out of a limit by itself, so that all of them together hand out the limit. Pure. */
import type { LimitsConfig } from '../config.ts'
import type { Rate } from './rate.ts'

/** `burst`: at once after a pause; absent: `count`. */
export type RateLimit = NonNullable<LimitsConfig['rate']> & { readonly burst?: number }

/** Which one of how many. */
export type Place = {
  readonly relays: number
  /** From 0; absent where nobody said: then it has no part of what does not divide evenly. */
  readonly index: number | undefined
}

/** A relay beyond those that count is about to leave, and hands out nothing. */
export const shareOf = (whole: number, { relays, index }: Place): number =>
  index !== undefined && index >= relays ? 0 : Math.floor(whole / relays) + extra(whole % relays, index)

const extra = (rest: number, index: number | undefined): number => (index !== undefined && index < rest ? 1 : 0)

/**
 * A rate divides to any fraction: each relay earns the more slowly, the more of them there are. A burst does not, and a
 * relay without one would refuse everything, so each has room for one recipient at least.
 */
export function rateShare({ count, perMs, burst = count }: RateLimit, place: Place): Rate {
  const share = shareOf(burst, place)
  const leaves = place.index !== undefined && place.index >= place.relays
  return { intervalMs: (perMs / count) * place.relays, burst: leaves ? 0 : Math.max(1, share) }
}
