/** The delay before a relay is started again doubles with each failure in a row, up to half a minute. */
import { expect, test } from 'vitest'
import { restartDelayMs } from '../../../operator/local/backoff.ts'

const almostOne = 1 - Number.EPSILON

test.each([
  [1, 0, 125],
  [1, almostOne, 250],
  [2, almostOne, 500],
  [3, 0, 500],
  [7, almostOne, 16_000],
  [8, almostOne, 30_000],
  [1000, almostOne, 30_000],
  [1000, 0, 15_000],
])('after %i failures in a row, with jitter %d, the delay is %i ms', (failures, jitter, ms) => {
  expect(restartDelayMs(failures, jitter)).toBeCloseTo(ms)
})
