/** After each end of a watch or a list the reflector goes on, and never faster than it should. */
import { describe, expect, test } from 'vitest'
import { backoffMs } from '../../../../operator/backoff.ts'
import { ApiError } from '../../../../operator/cluster/api/api-error.ts'
import { Pace } from '../../../../operator/cluster/api/pace.ts'
import { afterList, afterWatch, type WatchEnd } from '../../../../operator/cluster/watch/watch-end.ts'

const failed = (code: number, retryAfterMs?: number): WatchEnd => ({
  kind: 'failed',
  error: refused(code, retryAfterMs),
})
const refused = (code: number, retryAfterMs?: number): ApiError =>
  new ApiError('refused', 'no', { code, ...(retryAfterMs !== undefined && { retryAfterMs }) })
const reset: WatchEnd = { kind: 'failed', error: new ApiError('unreachable', 'ECONNRESET') }
const full = 1

describe('after a watch from version 7', () => {
  test.each<[string, WatchEnd, boolean, number, object]>([
    [
      'that the server closed in order, watching goes on at once',
      { kind: 'ended', idle: false },
      false,
      2,
      { from: '7', failures: 0, waitMs: 0 },
    ],
    [
      'that is closed at once again and again, watching goes on later each time',
      { kind: 'ended', idle: true },
      false,
      1,
      { from: '7', failures: 2, waitMs: 500 },
    ],
    ['whose version expired, a list follows at once', { kind: 'expired' }, false, 0, { from: undefined, waitMs: 0 }],
    [
      'whose version expired right after a list, the next list waits',
      { kind: 'expired' },
      false,
      1,
      { from: undefined, failures: 2, waitMs: 250 },
    ],
    ['that was answered with 410, a list follows at once', failed(410), false, 0, { from: undefined, waitMs: 0 }],
    ['that was reset, watching goes on after a wait', reset, false, 0, { from: '7', failures: 1, waitMs: 250 }],
    [
      'that was reset after an event, the wait is the first one again',
      reset,
      true,
      5,
      { from: '7', failures: 1, waitMs: 250 },
    ],
    [
      'that failed for the third time in a row, a list follows',
      reset,
      false,
      2,
      { from: undefined, failures: 3, waitMs: 1000 },
    ],
    [
      'that fell silent, watching goes on after a wait',
      { kind: 'silent' },
      false,
      0,
      { from: '7', failures: 1, waitMs: 250 },
    ],
    [
      'that was garbled, watching goes on after a wait',
      { kind: 'garbled', why: '' },
      false,
      0,
      { from: '7', failures: 1, waitMs: 250 },
    ],
    [
      'that was answered with 429 and a time, that time is waited',
      failed(429, 5000),
      false,
      0,
      { from: '7', waitMs: 5000 },
    ],
    [
      'that was answered with 429 and a day, a minute is waited',
      failed(429, 86_400_000),
      false,
      0,
      { from: '7', waitMs: 60_000 },
    ],
    [
      'that was answered with 429 and more than a timer holds, a minute is waited',
      failed(429, 2 ** 32 * 1000),
      false,
      0,
      { from: '7', waitMs: 60_000 },
    ],
    [
      'that was answered with 429 and no number, the usual time is waited',
      failed(429, Number.NaN),
      false,
      0,
      { from: '7', waitMs: 250 },
    ],
    ['that was answered with 403, the usual time is waited', failed(403), false, 0, { from: '7', waitMs: 250 }],
    ['that failed 500 times, half a minute is waited and no more', reset, false, 500, { waitMs: 30_000 }],
  ])('%s', (_name, end, heard, failures, expected) => {
    expect(afterWatch(end, '7', heard, failures, full)).toMatchObject(expected)
  })
})

describe('after a list', () => {
  test.each<[string, ApiError, number, object]>([
    ['that failed, the next one waits', refused(500), 0, { from: undefined, failures: 1, waitMs: 250 }],
    ['that failed for the second time, the next one waits longer', refused(403), 1, { failures: 2, waitMs: 500 }],
    ['whose continue token expired, the next one starts over at once', refused(410), 0, { failures: 1, waitMs: 0 }],
    [
      'whose continue token expired again and again, the next one waits',
      refused(410),
      3,
      { failures: 4, waitMs: 1000 },
    ],
    ['for which the server asked for a longer wait, that is waited', refused(503, 7000), 0, { waitMs: 7000 }],
    ['for which the server asked for a day, a minute is waited', refused(503, 86_400_000), 0, { waitMs: 60_000 }],
  ])('%s', (_name, error, failures, expected) => {
    expect(afterList(error, failures, full)).toMatchObject(expected)
  })
})

test('a back-off doubles up to its longest time, and is spread over the upper half of each', () => {
  const shape = { firstMs: 100, longestMs: 1000 }
  expect([0, 1, 2, 3, 4, 5, 1000].map((n) => backoffMs(n, shape, 1))).toEqual([0, 100, 200, 400, 800, 1000, 1000])
  expect([1, 2, 1000].map((n) => backoffMs(n, shape, 0))).toEqual([50, 100, 500])
})

test('a pace lets a burst pass at once, and then one per step', () => {
  const pace = new Pace({ perSecond: 10, burst: 3 })
  expect([0, 0, 0, 0, 0].map((now) => pace.waitMs(now))).toEqual([0, 0, 0, 100, 200])
  expect(pace.waitMs(10_000)).toBe(0)
})
