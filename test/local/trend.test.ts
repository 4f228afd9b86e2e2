import { expect, test } from 'vitest'
import { lows, slopePerHour } from './trend.ts'

const minute = 60_000
const series = (value: (minutes: number) => number) =>
  Array.from({ length: 60 }, (_, i) => ({ atMs: i * minute, value: value(i) }))

test('what grows by one a minute grows by sixty an hour', () => {
  expect(slopePerHour(series((m) => 100 + m))).toBeCloseTo(60)
})

test('one outlier moves nothing', () => {
  expect(slopePerHour(series((m) => (m === 30 ? 900 : 100)))).toBe(0)
})

test('a saw that stands still stands still, and one that climbs climbs', () => {
  expect(
    slopePerHour(
      lows(
        series((m) => 100 + (m % 5)),
        5 * minute,
      ),
    ),
  ).toBe(0)
  expect(
    slopePerHour(
      lows(
        series((m) => 100 + (m % 5) + m / 60),
        5 * minute,
      ),
    ),
  ).toBeCloseTo(1)
})
