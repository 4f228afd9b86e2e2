/** However a client spreads what it sends, a rate grants a burst and what the time has earned, no more and no less. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { afterTaking, type Earned, type Rate, waitMs } from '../../../relay/rules/rate.ts'

const fivePerSecond: Rate = { intervalMs: 200, burst: 5 }

test.each([
  ['after a pause a whole burst may be taken', undefined, 5, 0, 0],
  ['more than a burst may never be taken', undefined, 6, 0, Number.POSITIVE_INFINITY],
  ['after a burst one more is earned in an interval', { at: 1000, intervalMs: 200 }, 1, 0, 200],
  ['after a burst two more are earned in two intervals', { at: 1000, intervalMs: 200 }, 2, 0, 400],
  ['one may be taken at the moment when it is earned', { at: 1000, intervalMs: 200 }, 1, 200, 0],
  ['a burst may be taken again when all is earned', { at: 1000, intervalMs: 200 }, 5, 1000, 0],
  ['no more than a burst is ever saved up', { at: 1000, intervalMs: 200 }, 6, 1_000_000, Number.POSITIVE_INFINITY],
  [
    'after a change of the rate as many are owed as before, not for as long',
    { at: 3_600_000, intervalMs: 1_200_000 },
    2,
    0,
    0,
  ],
  ['after a change of the burst no more than the new one is owed', { at: 1000, intervalMs: 10 }, 1, 0, 200],
] as const)('the wait at a rate of five a second: %s', (_name, earned, count, now, wait) => {
  expect(waitMs(fivePerSecond, earned, count, now)).toBe(wait)
})

type Taking = { readonly at: number; readonly count: number }

/** Of what a client asks for, at these moments and so many each time, the part that is granted. */
function takings(rate: Rate, asks: readonly Taking[]): readonly Taking[] {
  let earned: Earned | undefined
  return asks.filter(({ at, count }) => {
    if (waitMs(rate, earned, count, at) > 0) return false
    earned = afterTaking(rate, earned, count, at)
    return true
  })
}

const rates = fc.record({ count: fc.integer({ min: 1, max: 50 }), perMs: fc.integer({ min: 1, max: 100_000 }) })
const rateOf = ({ count, perMs }: { readonly count: number; readonly perMs: number }): Rate => ({
  intervalMs: perMs / count,
  burst: count,
})
const asking = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 1, max: 60 })), { maxLength: 200 })
  .map((gaps) => {
    let at = 1_000_000
    return gaps.map(([gap, count]): Taking => {
      at += gap
      return { at, count }
    })
  })

/** How much the rounding of fractions may make: recipients in a sum, milliseconds in a wait. */
const crumb = 1e-6

test('in no window of time is more taken than the burst and what the window earns', () => {
  fc.assert(
    fc.property(rates, asking, (declared, asks) => {
      const rate = rateOf(declared)
      const taken = takings(rate, asks)
      for (const [i, first] of taken.entries()) {
        let sum = 0
        for (const { at, count } of taken.slice(i)) {
          sum += count
          expect(sum).toBeLessThanOrEqual(rate.burst + (at - first.at) / rate.intervalMs + crumb)
        }
      }
    }),
    { numRuns: 300, seed: 19 },
  )
})

test('in any window of the length `per` at most twice `count` are taken, where the burst is `count`', () => {
  fc.assert(
    fc.property(rates, asking, (declared, asks) => {
      const taken = takings(rateOf(declared), asks)
      for (const first of taken) {
        const inWindow = taken.filter(({ at }) => at >= first.at && at < first.at + declared.perMs)
        expect(inWindow.reduce((sum, { count }) => sum + count, 0)).toBeLessThanOrEqual(2 * declared.count)
      }
    }),
    { numRuns: 300, seed: 20 },
  )
})

test('a client that comes back when it was told to is let in, and not a millisecond earlier', () => {
  fc.assert(
    fc.property(rates, asking, fc.integer({ min: 1, max: 50 }), (declared, asks, wanted) => {
      const rate = rateOf(declared)
      const count = Math.min(wanted, rate.burst)
      let earned: Earned | undefined
      for (const { at, count: n } of asks)
        if (waitMs(rate, earned, n, at) === 0) earned = afterTaking(rate, earned, n, at)
      const now = asks.at(-1)?.at ?? 0
      const wait = waitMs(rate, earned, count, now)
      expect(waitMs(rate, earned, count, now + wait + crumb)).toBe(0)
      if (wait > 1) expect(waitMs(rate, earned, count, now + wait - 1)).toBeGreaterThan(0)
    }),
    { numRuns: 300, seed: 21 },
  )
})

test('a rate does not drift: a client that asks all day gets a burst and exactly what a day earns', () => {
  const rate: Rate = { intervalMs: 60_000 / 7, burst: 7 }
  let [now, earned, taken] = [123.456, undefined as Earned | undefined, 0]
  const end = now + 86_400_000
  while (now <= end) {
    const wait = waitMs(rate, earned, 1, now)
    if (wait === 0) {
      earned = afterTaking(rate, earned, 1, now)
      taken++
    } else now += Math.max(wait, 1e-3)
  }
  expect(taken).toBe(7 + (7 * 86_400_000) / 60_000)
})
