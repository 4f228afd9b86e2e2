/** A day that a store has named lasts as long as the store said, and later days follow it as time goes by. */
import { expect, test } from 'vitest'
import { dayFrom, dayKept, namedDay } from '../../../relay/rules/named-day.ts'
import { dayMs } from '../../../relay/rules/utc-day.ts'

const hour = 3_600_000

test.each([
  ['at the moment of its answer', 3, 100, 100, 103],
  ['a moment before it is over', 3, 102.999, 100, 103],
  ['when the day is over', 3, 103, 101, 127],
  ['a moment before the next day is over', 3, 126.999, 101, 127],
  ['weeks later', 3, 103 + 24 * 20, 121, 127 + 24 * 20],
  ['with a store whose clock was set back', 40, 139, 100, 140],
  ['with a rest that is longer than a day can last', 9_000_000, 148, 101, 172],
])('which day it is, and when it ends, by the day that a store has named: %s', (_name, rest, at, number, ends) => {
  const named = namedDay(100, rest * hour, 100 * hour)
  expect(dayFrom(named, at * hour)).toEqual({ number, ends: ends * hour })
  expect(dayFrom(named, at * hour).ends - at * hour).toBeLessThanOrEqual(2 * dayMs)
})

test.each([
  [
    'by a clock that is wrong, but was not set since, it ends when it would have',
    105,
    { number: 100, ends: 15 * hour },
  ],
  ['days later another day has come', 165, { number: 102, ends: 3 * hour }],
  ['by a clock that was set back since, it counts for nothing', 50, undefined],
])('a named day that was kept in the file, after a restart: %s', (_name, wall, expected) => {
  expect(dayKept({ number: 100, ends: 120 * hour }, wall * hour, 0)).toEqual(expected)
})
