/**
 * Which day it is by a store's word: it named a day and said how long that still lasts, and from there on only the time that goes
 * by counts, on the monotonic clock. A relay's own wall clock has no say in it. Pure.
 */
import { dayMs } from './utc-day.ts'

export type NamedDay = {
  /** Days since the epoch. */
  readonly number: number
  /** Milliseconds of the monotonic clock; in the file that outlives the process, of the wall clock. */
  readonly ends: number
}

/** The most that is believed of what is left of a day: with a clock that was set back, a store's day may last for one day more. */
const longestMs = 2 * dayMs

export const namedDay = (number: number, restMs: number, monotonic: number): NamedDay => ({
  number,
  ends: monotonic + Math.min(restMs, longestMs),
})

/** The day that was named, or the one of those after it that has come by now. */
export function dayFrom(named: NamedDay, monotonic: number): NamedDay {
  const over = Math.max(0, Math.floor((monotonic - named.ends) / dayMs) + 1)
  return { number: named.number + over, ends: named.ends + over * dayMs }
}

/** A day that was named before this process began, out of its file; undefined where the wall clock was set back since. */
export function dayKept(kept: NamedDay, wall: number, monotonic: number): NamedDay | undefined {
  const { number, ends } = dayFrom(kept, wall)
  return ends - wall > longestMs ? undefined : namedDay(number, ends - wall, monotonic)
}
