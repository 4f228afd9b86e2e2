/** The trend of samples is their steady growth: outliers do not move it, nor the ups and downs of collections of garbage. */
import { expect, test } from 'vitest'
import { lows, slopePerHour } from './trend.ts'

const minute = 60_000
const series = (value: (minutes: number) => number) =>
  Array.from({ length: 60 }, (_, i) => ({ atMs: i * minute, value: value(i) }))

test('samples that grow by one a minute have a slope of sixty an hour', () => {
  expect(slopePerHour(series((m) => 100 + m))).toBeCloseTo(60)
})

test('one outlier does not move the slope', () => {
  expect(slopePerHour(series((m) => (m === 30 ? 900 : 100)))).toBe(0)
})

test('the lows of a saw-tooth curve have its slope: none where it stays level, and that of its climb where it climbs', () => {
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
