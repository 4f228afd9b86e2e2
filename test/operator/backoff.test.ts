/** The wait after failures doubles with each in a row, up to a longest one: here that of a relay which is started again. */
import { expect, test } from 'vitest'
import { backoffMs } from '../../operator/backoff.ts'

const almostOne = 1 - Number.EPSILON

test.each([
  [0, almostOne, 0],
  [1, 0, 125],
  [1, almostOne, 250],
  [2, almostOne, 500],
  [3, 0, 500],
  [7, almostOne, 16_000],
  [8, almostOne, 30_000],
  [1000, almostOne, 30_000],
  [1000, 0, 15_000],
])('after %i failures in a row, with jitter %d, the wait is %i ms', (failures, jitter, ms) => {
  expect(backoffMs(failures, { firstMs: 250, longestMs: 30_000 }, jitter)).toBeCloseTo(ms)
})
