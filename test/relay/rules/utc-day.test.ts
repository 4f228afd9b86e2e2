/** A daily limit begins anew at midnight UTC, and not because somebody sets a clock. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Day, dayAt, dayMs, restOfDayMs } from '../../../relay/rules/utc-day.ts'

const hour = 3_600_000
/** A reading of both clocks, in hours: the wall's from the beginning of day 100, the monotonic one's from the start. */
type Reading = readonly [wall: number, monotonic: number]
const begin = 100 * dayMs

function read(readings: readonly Reading[]): readonly number[] {
  let day: Day | undefined
  return readings.map(([wall, monotonic]) => {
    day = dayAt(day, begin + wall * hour, monotonic * hour)
    return day.number - 100
  })
}

test.each<[string, readonly Reading[], readonly number[]]>([
  [
    'a day begins at midnight by the wall clock',
    [
      [22, 0],
      [23.99, 1.99],
      [24, 2],
      [48, 26],
    ],
    [0, 0, 1, 2],
  ],
  [
    'when nobody has looked for days, the day is the one of the wall clock',
    [
      [22, 0],
      [22 + 72, 72],
    ],
    [0, 3],
  ],
  [
    'a step of the wall clock forward brings no new day',
    [
      [10, 0],
      [34, 0.01],
      [35, 1],
    ],
    [0, 0, 0],
  ],
  [
    'a step of the wall clock forward brings no new day to a relay that has run for days either',
    [
      [10, 0],
      [250, 240],
      [274, 240.01],
      [275, 241],
    ],
    [0, 10, 10, 10],
  ],
  [
    'after a step forward a new day comes when a whole day has gone by',
    [
      [10, 0],
      [34, 0.01],
      [57.9, 23.9],
      [58.1, 24.1],
    ],
    [0, 0, 0, 2],
  ],
  [
    'after a step forward and back, too, a new day comes only when a whole day has gone by',
    [
      [10, 0],
      [34, 0.01],
      [10.1, 0.1],
      [33.9, 23.9],
      [34.1, 24.1],
    ],
    [0, 0, 0, 0, 1],
  ],
  [
    'after a step back over midnight the day does not begin a second time',
    [
      [23, 0],
      [24.5, 1.5],
      [23, 1.6],
      [24.5, 3.1],
    ],
    [0, 1, 1, 1],
  ],
  [
    'a clock that was years ahead and is set right is believed after a day',
    [
      [90_000, 0],
      [10, 1],
      [32, 23],
      [34, 25],
    ],
    [3750, 3750, 3750, 1],
  ],
  [
    'a wall clock that gains a little on the monotonic one is believed',
    [
      [22, 0],
      [24.02, 2],
    ],
    [0, 1],
  ],
])('%s', (_name, readings, days) => {
  expect(read(readings)).toEqual(days)
})

test('however the wall clock is set, days begin no faster than time goes by', () => {
  // Each reading comes some minutes after the one before it; now and then the wall clock is set in between.
  const readings = fc.array(
    fc.tuple(
      fc.integer({ min: 0, max: 600 }),
      fc.oneof(
        { weight: 4, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.integer({ min: -100_000, max: 100_000 }) },
      ),
    ),
    { minLength: 1, maxLength: 200 },
  )
  fc.assert(
    fc.property(readings, (steps) => {
      let [wall, monotonic, began] = [begin + 12 * hour, 0, 0]
      let day = dayAt(undefined, wall, monotonic)
      for (const [minutes, set] of steps) {
        monotonic += minutes * 60_000
        // A step of a few minutes is left out: it would pass for drift.
        wall += (minutes + (Math.abs(set) < 10 ? 0 : set)) * 60_000
        const next = dayAt(day, wall, monotonic)
        if (next.number !== day.number) began++
        day = next
      }
      // The first midnight may come soon; from there on each day takes a day, but for what clocks drift.
      expect(began).toBeLessThanOrEqual(1 + Math.ceil(monotonic / dayMs))
    }),
    { numRuns: 500, seed: 22 },
  )
})

test('a day lasts until midnight UTC; one that the wall clock says is over, or is yet to come, lasts for a day', () => {
  expect(restOfDayMs(dayAt(undefined, begin + 22.5 * hour, 0))).toBe(1.5 * hour)
  const doubted = dayAt(dayAt(undefined, begin, 0), begin + 30 * hour, 1)
  expect(restOfDayMs(doubted)).toBe(24 * hour)
  const setBack = dayAt(dayAt(undefined, begin, 0), begin - 30 * hour, 1)
  expect(restOfDayMs(setBack)).toBe(24 * hour)
})
