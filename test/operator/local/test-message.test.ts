/** Python reads the test message of send-test and submit with the subject that was given. */
import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { testMessage } from '../../../operator/local/test-message.ts'
import { python } from '../../local/programs.ts'

const subjectOf = `
import sys, email, email.policy
print(email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)['subject'])
`

test.each([
  'plain',
  'hé',
  'größer – 漢字 und viele weitere Wörter, so dass die Zeile länger wird als siebenundsiebzig Zeichen es sind',
])('Python reads the subject %j as it was given, from ASCII lines of at most 78 characters', (subject) => {
  const message = testMessage('a@example.org', ['b@example.net'], new Date(), subject)
  const header = message.split('\r\n\r\n')[0] ?? ''
  expect(header).toMatch(/^[\x20-\x7e\r\n]*$/)
  const field = /^Subject: .*(\r\n .*)*/m.exec(header)?.[0] ?? ''
  expect(Math.max(...field.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(78)
  const { stdout } = spawnSync(python, ['-c', subjectOf], {
    input: message,
    encoding: 'utf8',
    env: { ...process.env, PYTHONIOENCODING: 'utf8' },
  })
  expect(stdout.trim()).toBe(subject)
})

test('a line feed in a subject does not begin another header field', () => {
  expect(testMessage('a@example.org', ['b@example.net'], new Date(), 'x\nBcc: c@example.net')).toContain(
    '\r\nSubject: x Bcc: c@example.net\r\n',
  )
})
