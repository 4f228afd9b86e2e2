/** Sessions leave file descriptors over for the spool, delivery and the pages, however few there are. */
import { execFileSync } from 'node:child_process'
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

test('where the system gives a process few file descriptors, it knows how few', () => {
  const file = new URL('../../relay/descriptors.ts', import.meta.url).pathname
  const program = 'const { descriptorLimit } = await import(process.argv[1]); console.log(descriptorLimit())'
  const limited = 'ulimit -n 200; exec "$0" --input-type=module -e "$1" "$2"'
  expect(execFileSync('sh', ['-c', limited, process.execPath, program, file], { encoding: 'utf8' })).toBe('200\n')
})
