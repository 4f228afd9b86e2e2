/** Sessions of strangers, from however many addresses, leave memory over for the mail. */
import { expect, test } from 'vitest'
import { memoryLimit, sessionsInMemory } from '../../relay/memory.ts'

const miB = 1024 * 1024

test.each([
  [64, 8],
  [192, 512],
  [256, 1024],
  [1024, 7168],
])('in a memory of %d MiB there is room for %d sessions (case R04)', (size, sessions) => {
  expect(sessionsInMemory(size * miB)).toBe(sessions)
})

test.each([
  ['a container with a limit', 512 * miB, 512 * miB],
  ['a container without one', Number(2n ** 64n), 1024 * miB],
  ['a system that does not tell it', 0, 1024 * miB],
])('the memory limit is known in %s', (_name, container, limit) => {
  expect(memoryLimit(container, 4096 * miB)).toBe(limit)
})

test('the memory limit of this process is known', () => {
  expect(memoryLimit()).toBeGreaterThan(64 * miB)
})
