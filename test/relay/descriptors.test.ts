/** Sessions leave file descriptors over for the spool, delivery and the pages, however few there are. */
import { expect, test } from 'vitest'
import { descriptorLimit, sessionsWithin } from '../../relay/descriptors.ts'

test.each([
  [64, 8],
  [1_024, 480],
  [1_048_576, 524_256],
  [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
])('of %d file descriptors, %d are for sessions', (descriptors, sessions) => {
  expect(sessionsWithin(descriptors)).toBe(sessions)
})

test('the number of file descriptors that this process may have is known', () => {
  expect(descriptorLimit()).toBeGreaterThan(sessionsWithin(0))
})
