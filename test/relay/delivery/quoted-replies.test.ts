/** A report quotes the reply of a next hop as it was said, and judges it beside that (RFC 3464 section 2.3, RFC 3461 section 9.2). */
import { expect, test } from 'vitest'
import { type Script, say } from './behaviour.ts'
import { deliver } from './one-message.ts'

test.each([
  ['550 no', '5.0.0', '550 no'],
  ['550', '5.0.0', '550'],
  ['550  5.1.1   no', '5.0.0', '550  5.1.1   no'],
  ['550-5.1.1 no such user\r\n550 5.1.1 here', '5.1.1', '550-5.1.1 no such user 550 5.1.1 here'],
  ['550 4.1.1 no', '5.1.1', '550 4.1.1 no'],
])('the DSN on a recipient that was refused with %j has a status of ours, %s, and quotes what was said (RFC 3461 section 9.2)', async (said, status, quoted) => {
  const { upstream } = await deliver({ script: { RCPT: (time) => (time === 0 ? say(said) : undefined) } })
  const dsn = String(upstream.received[0]?.content)
  expect(dsn).toContain(`\r\nStatus: ${status}\r\n`)
  expect(dsn).toContain(`\r\nDiagnostic-Code: smtp; ${quoted}\r\n`)
  expect(dsn).toContain('It was refused at smarthost a (127.0.0.1:')
  expect(dsn).toContain(`\r\n    ${quoted}\r\n`)
})

test('the DSN on a recipient that was one too many until its time was over quotes the 552 that was said, and not the 452 that it means', async () => {
  const script: Script = { RCPT: (time) => (time === 0 ? say('552 no more') : undefined) }
  const { upstream, outcomes } = await deliver({ script }, { acceptedAt: Date.now() - 86_400_000 })
  expect(outcomes).toMatchObject([{ kind: 'deferred', reply: { code: 452, status: '4.5.3' } }])
  const dsn = String(upstream.received[0]?.content)
  expect(dsn).toContain('\r\nStatus: 4.4.7\r\n')
  expect(dsn).toContain('\r\nDiagnostic-Code: smtp; 552 no more\r\n')
})
