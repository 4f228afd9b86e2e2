/** How a reflector goes on after each end of a watch or a list: always, and never faster than it should. */
import { describe, expect, test } from 'vitest'
import { ApiError } from '../../../../operator/cluster/api/api-error.ts'
import { backoffMs } from '../../../../operator/cluster/api/backoff.ts'
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
    ['the server closed it in order', { kind: 'ended', idle: false }, false, 2, { from: '7', failures: 0, waitMs: 0 }],
    [
      'closed at once, again and again',
      { kind: 'ended', idle: true },
      false,
      1,
      { from: '7', failures: 2, waitMs: 500 },
    ],
    ['expired for the first time: list now', { kind: 'expired' }, false, 0, { from: undefined, waitMs: 0 }],
    ['expired right after a list', { kind: 'expired' }, false, 1, { from: undefined, failures: 2, waitMs: 250 }],
    ['answered 410', failed(410), false, 0, { from: undefined, waitMs: 0 }],
    ['a reset', reset, false, 0, { from: '7', failures: 1, waitMs: 250 }],
    ['a reset after something was heard', reset, true, 5, { from: '7', failures: 1, waitMs: 250 }],
    ['the third failure in a row: list', reset, false, 2, { from: undefined, failures: 3, waitMs: 1000 }],
    ['silence', { kind: 'silent' }, false, 0, { from: '7', failures: 1, waitMs: 250 }],
    ['nonsense', { kind: 'garbled', why: '' }, false, 0, { from: '7', failures: 1, waitMs: 250 }],
    ['429 with a wish', failed(429, 5000), false, 0, { from: '7', waitMs: 5000 }],
    ['429 with a wish for a day', failed(429, 86_400_000), false, 0, { from: '7', waitMs: 60_000 }],
    ['429 with a wish that no timer holds', failed(429, 2 ** 32 * 1000), false, 0, { from: '7', waitMs: 60_000 }],
    ['429 with a wish that is no number', failed(429, Number.NaN), false, 0, { from: '7', waitMs: 250 }],
    ['403', failed(403), false, 0, { from: '7', waitMs: 250 }],
    ['never longer than this', reset, false, 500, { waitMs: 30_000 }],
  ])('%s', (_name, end, heard, failures, expected) => {
    expect(afterWatch(end, '7', heard, failures, full)).toMatchObject(expected)
  })
})

describe('after a list', () => {
  test.each<[string, ApiError, number, object]>([
    ['a failure waits', refused(500), 0, { from: undefined, failures: 1, waitMs: 250 }],
    ['a second one longer', refused(403), 1, { failures: 2, waitMs: 500 }],
    ['an old continue token starts over', refused(410), 0, { failures: 1, waitMs: 0 }],
    ['but not for ever', refused(410), 3, { failures: 4, waitMs: 1000 }],
    ['the server may ask for more', refused(503, 7000), 0, { waitMs: 7000 }],
    ['but not for a day', refused(503, 86_400_000), 0, { waitMs: 60_000 }],
  ])('%s', (_name, error, failures, expected) => {
    expect(afterList(error, failures, full)).toMatchObject(expected)
  })
})

test('a back-off doubles, is spread over its upper half and has an end', () => {
  const shape = { firstMs: 100, longestMs: 1000 }
  expect([0, 1, 2, 3, 4, 5, 1000].map((n) => backoffMs(n, shape, 1))).toEqual([0, 100, 200, 400, 800, 1000, 1000])
  expect([1, 2, 1000].map((n) => backoffMs(n, shape, 0))).toEqual([50, 100, 500])
})

test('a pace lets a burst pass, then one per step', () => {
  const pace = new Pace({ perSecond: 10, burst: 3 })
  expect([0, 0, 0, 0, 0].map((now) => pace.waitMs(now))).toEqual([0, 0, 0, 100, 200])
  expect(pace.waitMs(10_000)).toBe(0)
})
