/** Queue ids are unique, in the order of time, and of a form that is safe as the name of a file. */
import { expect, test } from 'vitest'
import { parseQueueId, queueIds } from '../../../relay/spool/queue-id.ts'

test('ids are unique and in the order of time, also within a millisecond and when the clock steps back', () => {
  const clock = [5_000, 5_000, 5_000, 5_001, 4_000, 4_000, 5_002]
  const next = queueIds(() => clock.shift() ?? 5_002)
  const ids = Array.from({ length: 5_000 }, next)
  expect(new Set(ids).size).toBe(5_000)
  expect(ids.toSorted()).toEqual(ids)
})

test('ids are in the order of time over restarts, and differ between processes of the same millisecond', () => {
  const at = (time: number, origin: number) => queueIds(() => time, origin)()
  expect(at(1_700_000_000_000, 99_999) < at(1_700_000_000_001, 0)).toBe(true)
  expect(at(1_700_000_000_000, 1)).not.toBe(at(1_700_000_000_000, 2))
})

test('ids of different processes differ by more than case, and stay short for a thousand years', () => {
  const far = queueIds(() => Date.UTC(3000, 0), 36 ** 4 - 1)()
  expect(far).toMatch(/^[0-9a-z]{15}$/)
  expect(parseQueueId(far)).toBe(far)
})

test.each([
  ['too short', 'abc123456'],
  ['too long', '01234567890123456'],
  ['a path', '../../etc/passwd'],
  ['a name with a dot', 'abcdefghij.eml'],
  ['a line end at the end', 'abcdefghijk\n'],
  ['a NUL', 'abcdefghij\0'],
  ['beyond ASCII', 'abcdefghijé'],
  ['nothing', ''],
])('a text of another form is no queue id: %s', (_what, text) => {
  expect(parseQueueId(text)).toBeUndefined()
})
