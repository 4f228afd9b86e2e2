/** The shares of a limit that the relays of a fleet hand out by themselves add up to the limit. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rateShare, shareOf } from '../../../relay/rules/share.ts'

const fleet = (relays: number) => Array.from({ length: relays }, (_, index) => ({ relays, index }))
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)

test.each([
  [5000, 2, [2500, 2500]],
  [5000, 3, [1667, 1667, 1666]],
  [2, 3, [1, 1, 0]],
  [7, 1, [7]],
] as const)('%i a day are divided among %i relays', (daily, relays, shares) => {
  expect(fleet(relays).map((place) => shareOf(daily, place))).toEqual(shares)
})

test('shares add up to the limit, and a relay that does not know its index takes the smallest one', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000_000 }), fc.integer({ min: 1, max: 100 }), (daily, relays) => {
      const shares = fleet(relays).map((place) => shareOf(daily, place))
      expect(sum(shares)).toBe(daily)
      expect(shareOf(daily, { relays, index: undefined })).toBe(Math.min(...shares))
    }),
    { seed: 23 },
  )
})

test('the shares of a rate add up to it, and their bursts to the count, or to one for each relay if that is more', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1000 }),
      fc.integer({ min: 1000, max: 3_600_000 }),
      fc.integer({ min: 1, max: 100 }),
      (count, perMs, relays) => {
        const rates = fleet(relays).map((place) => rateShare({ count, perMs }, place))
        expect(sum(rates.map(({ intervalMs }) => perMs / intervalMs))).toBeCloseTo(count, 6)
        expect(sum(rates.map(({ burst }) => burst))).toBe(Math.max(count, relays))
      },
    ),
    { seed: 24 },
  )
})

test('a burst that is given beside the count is divided by itself, whatever the rate is', () => {
  const rates = fleet(3).map((place) => rateShare({ count: 600, perMs: 60_000, burst: 10 }, place))
  expect(rates.map(({ burst }) => burst)).toEqual([4, 3, 3])
  expect(rates.map(({ intervalMs }) => intervalMs)).toEqual([300, 300, 300])
})

test('a relay with an index beyond the number of relays, which is about to leave, hands out nothing', () => {
  expect(shareOf(5000, { relays: 2, index: 2 })).toBe(0)
  expect(rateShare({ count: 5, perMs: 1000 }, { relays: 2, index: 2 }).burst).toBe(0)
})
