/**
 * Which day it is by what a store has said: it named one and told how long that lasts, and from there on only the time that
 * goes by counts. What a relay's own clock says of it does not matter. Pure.
 */
import { dayMs } from './utc-day.ts'

export type NamedDay = {
  /** Days since the epoch. */
  readonly number: number
  /** On the monotonic clock. */
  readonly ends: number
}

/** A store whose clock was set back stays with its day until that is over; nobody has one that is longer. */
const longestMs = 2 * dayMs

export const namedDay = (number: number, restMs: number, monotonic: number): NamedDay => ({
  number,
  ends: monotonic + Math.min(restMs, longestMs),
})

/** The day that was named, or the one that has come after it. */
export function dayFrom(named: NamedDay, monotonic: number): NamedDay {
  const over = Math.max(0, Math.floor((monotonic - named.ends) / dayMs) + 1)
  return { number: named.number + over, ends: named.ends + over * dayMs }
}
