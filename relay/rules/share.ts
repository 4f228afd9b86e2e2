/** The share of a limit that one relay of a fleet may hand out by itself, so that all of them together hand out the limit. Pure. */
import type { LimitsConfig } from '../config.ts'
import type { Rate } from './rate.ts'

/** `burst`: how many may come at once after a pause; absent: `count`. */
export type RateLimit = NonNullable<LimitsConfig['rate']> & { readonly burst?: number }

/** Which one of how many relays this is. */
export type Place = {
  readonly relays: number
  /** From 0; undefined where the relay was not told: then it has no part of the rest that does not divide evenly. */
  readonly index: number | undefined
}

/** The place of one that counts for the whole fleet: it has all of a limit to hand out. */
export const wholeFleet: Place = { relays: 1, index: 0 }

/** A relay whose index is beyond the number of relays is about to leave, and hands out nothing. */
export const isAboutToLeave = ({ relays, index }: Place): boolean => index !== undefined && index >= relays

export const shareOf = (whole: number, place: Place): number =>
  isAboutToLeave(place) ? 0 : Math.floor(whole / place.relays) + extra(whole % place.relays, place.index)

const extra = (rest: number, index: number | undefined): number => (index !== undefined && index < rest ? 1 : 0)

/**
 * A rate can be divided into any fractions: with more relays each earns more slowly. A burst can not, and a relay with a burst of
 * 0 would refuse everything, so each has one of at least one recipient.
 */
export function rateShare({ count, perMs, burst = count }: RateLimit, place: Place): Rate {
  const share = shareOf(burst, place)
  return { intervalMs: (perMs / count) * place.relays, burst: isAboutToLeave(place) ? 0 : Math.max(1, share) }
}
