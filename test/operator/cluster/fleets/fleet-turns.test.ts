/** Every fleet gets a turn at intervals, the one that waited longest first. */
import { expect, test } from 'vitest'
import { TurnOrder } from '../../../../operator/cluster/fleets/fleet-turns.ts'

const [a, b, c] = [{ name: 'a' }, { name: 'b' }, { name: 'c' }]

test('a fleet has its first turn when the interval has passed since it came, and the next ones an interval later', () => {
  const order = new TurnOrder<typeof a>(30)
  expect(order.next([a, b], 0)).toBeUndefined()
  expect(order.next([a, b], 29)).toBeUndefined()
  expect([30, 31, 32].map((now) => order.next([a, b], now))).toEqual([a, b, undefined])
  expect([60, 61, 62].map((now) => order.next([a, b], now))).toEqual([a, b, undefined])
})

test('where there is time for one turn only, the fleets take turns', () => {
  const order = new TurnOrder<typeof a>(30)
  order.next([a, b, c], 0)
  expect([100, 200, 300, 400, 500, 600].map((now) => order.next([a, b, c], now))).toEqual([a, b, c, a, b, c])
})

test('a fleet that comes later waits for its interval, and one that is gone has no turn', () => {
  const order = new TurnOrder<typeof a>(30)
  order.next([a], 0)
  expect(order.next([a, b], 20)).toBeUndefined()
  expect(order.next([b], 40)).toBeUndefined()
  expect(order.next([b], 50)).toBe(b)
  expect(order.next([], 90)).toBeUndefined()
})
