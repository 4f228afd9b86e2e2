/**
 * Which day it is by what a store has said: it named one and told how long that lasts, and from there on only the time that
 * goes by counts. What a relay's own clock says of it does not matter. Pure.
 */
import { dayMs } from './utc-day.ts'

export type NamedDay = {
  /** Days since the epoch. */
  readonly number: number
  /** On the monotonic clock; where it is kept, on the wall clock. */
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

/** One that was named before this process began; undefined: the wall clock was set back since. */
export function dayKept(kept: NamedDay, wall: number, monotonic: number): NamedDay | undefined {
  const { number, ends } = dayFrom(kept, wall)
  return ends - wall > longestMs ? undefined : namedDay(number, ends - wall, monotonic)
}
