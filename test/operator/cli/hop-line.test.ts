/** What a person sees of a relay's log lines while following a message. */
import { expect, test } from 'vitest'
import { hopLine } from '../../../operator/cli/hop-line.ts'

test.each([
  [{ msg: 'accepted' }, 'on disk, and ours'],
  [
    { msg: 'deferred', nextAttemptAt: '2026-01-02T03:04:05.000Z' },
    'kept; the next attempt is at 2026-01-02T03:04:05.000Z',
  ],
  [{ msg: 'listening' }, undefined],
])('of %j a person sees %j', (fields, said) => {
  expect(hopLine(JSON.stringify(fields))).toBe(said)
})

test.each(['Node.js v24.1.0', 'null', '7', ''])('%j, which is no line of the log, is left out', (line) => {
  expect(hopLine(line)).toBeUndefined()
})
