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
  // Without leading zeros, as RFC 3464 section 2.3.4 has it.
  ['550 5.01.010 no', '5.1.10', '550 5.01.010 no'],
  // Cisco's ESA (IronPort), and qmail, also of several lines.
  ['550 #5.1.0 Address rejected.', '5.1.0', '550 #5.1.0 Address rejected.'],
  ['550 sorry, no mailbox here by that name (#5.1.1)', '5.1.1', '550 sorry, no mailbox here by that name (#5.1.1)'],
  ['553-sorry, no mailbox (#5.1.1 - chkuser)\r\n553 bye', '5.1.1', '553-sorry, no mailbox (#5.1.1 - chkuser) 553 bye'],
  // A full mailbox, and not one recipient too many (RFC 5321 section 4.5.3.1.10).
  ['552 recipient mailbox is over quota (#5.2.2)', '5.2.2', '552 recipient mailbox is over quota (#5.2.2)'],
  ['550 no (see ticket #5.1.1)', '5.0.0', '550 no (see ticket #5.1.1)'],
])('the DSN on a recipient that was refused with %j has a status of ours, %s, and quotes what was said (RFC 3461 section 9.2)', async (said, status, quoted) => {
  const { upstream } = await deliver({ script: { RCPT: (time) => (time === 0 ? say(said) : undefined) } })
  const dsn = String(upstream.received[0]?.content)
  expect(dsn).toContain(`\r\nStatus: ${status}\r\n`)
  expect(dsn).toContain(`\r\nDiagnostic-Code: smtp; ${quoted}\r\n`)
  expect(dsn).toContain('It was refused at smarthost a (127.0.0.1:')
  expect(dsn).toContain(`\r\n    ${quoted}\r\n`)
})

test('the DSN on a recipient that was one too many until its time was over quotes the 552 that was said, and not the 452 that it means', async () => {
  const script: Script = { RCPT: (time) => (time === 0 ? say('552 too many recipients') : undefined) }
  const { upstream, outcomes } = await deliver({ script }, { acceptedAt: Date.now() - 86_460_000 })
  expect(outcomes).toMatchObject([{ kind: 'deferred', reply: { code: 452, status: '4.5.3' } }])
  const dsn = String(upstream.received[0]?.content)
  expect(dsn).toContain('\r\nStatus: 4.4.7\r\n')
  expect(dsn).toContain('\r\nDiagnostic-Code: smtp; 552 too many recipients\r\n')
})

test.each<[what: string, script: Script, text: string, code?: number]>([
  [
    'a greeting that refuses behind its first line',
    { banner: say('220-mx.test ESMTP\r\n521 5.7.1 your address is on a list', { ends: 'drop' }) },
    'banner was answered 521 5.7.1 your address is on a list',
  ],
  [
    'a refusal behind a greeting',
    { banner: say('220 mx.test ESMTP\r\n521 5.7.1 your address is on a list', { ends: 'drop' }) },
    'EHLO: a reply that no command asked for: 521 5.7.1 your address is on a list',
  ],
  [
    '421 behind the answer to EHLO',
    { EHLO: say('250 mx.test\r\n421 4.7.0 too many sessions', { ends: 'drop' }) },
    'too many sessions',
    421,
  ],
  [
    '221 in place of an answer',
    { MAIL: say('221-2.3.0 you have been idle\r\n221 2.3.0 bye', { ends: 'drop' }) },
    'MAIL: the session was ended by 221-2.3.0 you have been idle 221 2.3.0 bye',
  ],
  [
    'a reply right behind 354',
    { DATA: say('354 go on\r\n250 2.0.0 queued') },
    'MAIL to DATA: a reply that no command asked for: 250 2.0.0 queued',
  ],
  ['a yes in place of 354', { DATA: say('250 2.0.0 fine') }, 'MAIL to DATA: DATA was answered 250 out of order'],
  ['354 in place of a yes', { RCPT: say('354 go on') }, 'MAIL to DATA: answered 354 before DATA'],
  [
    'a line without end in place of the answer to RCPT',
    { RCPT: say(`550 ${'x'.repeat(5000)}`) },
    'MAIL to DATA: a reply line without end',
  ],
])('of %s what was said is told, and nothing else as if it were that', async (_what, script, text, code = 451) => {
  const { outcomes } = await deliver({ script })
  expect(outcomes).toMatchObject([{ kind: 'deferred', scope: 'nextHop', reply: { code, text } }])
})
