/** A day that was named lasts as long as it was said to, and others come after it as time goes by. */
import { expect, test } from 'vitest'
import { dayFrom, dayKept, namedDay } from '../../../relay/rules/named-day.ts'
import { dayMs } from '../../../relay/rules/utc-day.ts'

const hour = 3_600_000

test.each([
  ['just named', 3, 100, 100, 103],
  ['a moment before it is over', 3, 102.999, 100, 103],
  ['over', 3, 103, 101, 127],
  ['a whole day later', 3, 126.999, 101, 127],
  ['weeks later', 3, 103 + 24 * 20, 121, 127 + 24 * 20],
  ['by a store whose clock was set back', 40, 139, 100, 140],
  ['for longer than a day ever lasts', 9_000_000, 148, 101, 172],
])('%s', (_name, rest, at, number, ends) => {
  const named = namedDay(100, rest * hour, 100 * hour)
  expect(dayFrom(named, at * hour)).toEqual({ number, ends: ends * hour })
  expect(dayFrom(named, at * hour).ends - at * hour).toBeLessThanOrEqual(2 * dayMs)
})

test.each([
  ['of a clock that is hours off, it ends when it would have', 105, { number: 100, ends: 15 * hour }],
  ['days later it is another one', 165, { number: 102, ends: 3 * hour }],
  ['by a clock that was set back since, it says nothing', 50, undefined],
])('after a start, %s', (_name, wall, expected) => {
  expect(dayKept({ number: 100, ends: 120 * hour }, wall * hour, 0)).toEqual(expected)
})
