/** A DSN, as Python's email package reads it, is what RFC 3464 and RFC 6522 ask for, and has an id of its own. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { composeDsn } from '../../../relay/delivery/dsn.ts'
import { adviceFor } from '../../../relay/delivery/dsn-advice.ts'
import { dsnQueueId } from '../../../relay/delivery/dsn-id.ts'
import { acceptedAt, expired, header, parse, refused, report } from './report-samples.ts'
import { envelope, hello } from './samples.ts'

test('a report tells people, and programs, what became of each recipient', async () => {
  const { type, report: kind, headers, parts, defects, sevenBit, longest, bare } = await parse(report())
  expect({ type, kind, defects, sevenBit, bare }).toEqual({
    type: 'multipart/report',
    kind: 'delivery-status',
    defects: [],
    sevenBit: true,
    bare: 0,
  })
  expect(longest).toBeLessThanOrEqual(998)
  expect(headers).toMatchObject({
    from: 'Mail Delivery System <MAILER-DAEMON@relay.example.org>',
    to: 'app@corp.test',
    date: 'Mon, 23 Nov 2026 13:00:00 +0000',
    'message-id': '<qqqqqqqqq1234567@relay.example.org>',
    references: '<42@corp.test>',
    'auto-submitted': 'auto-replied',
    'mime-version': '1.0',
  })
  expect(parts.map((part) => part.type)).toEqual(['text/plain', 'message/delivery-status', 'text/rfc822-headers'])
  const [text, status, original] = parts
  for (const said of [
    'nobody@example.net',
    '550 5.1.1 user unknown',
    'smarthost ses (smtp.example.com:587)',
    adviceFor('5.1.1'),
    'slow@example.net',
    'tried 7 times',
    '451 4.4.1 connect: refused',
    '2 of the attempts ended without an answer',
    adviceFor('4.4.7'),
    'q00000000000001',
  ])
    expect(text?.text?.replace(/\s+/g, ' ')).toContain(said)
  expect(status?.groups).toEqual([
    {
      'Reporting-MTA': 'dns; relay.example.org',
      'X-Relayfleet-Queue-Id': 'q00000000000001',
      'Arrival-Date': 'Mon, 23 Nov 2026 12:00:00 +0000',
    },
    {
      'Final-Recipient': 'rfc822; nobody@example.net',
      Action: 'failed',
      Status: '5.1.1',
      'Remote-MTA': 'dns; smtp.example.com',
      'Diagnostic-Code': 'smtp; 550 5.1.1 user unknown',
      'Last-Attempt-Date': 'Mon, 23 Nov 2026 12:30:00 +0000',
    },
    {
      'Final-Recipient': 'rfc822; slow@example.net',
      Action: 'failed',
      Status: '4.4.7',
      'Diagnostic-Code': 'X-Relayfleet; 451 4.4.1 connect: refused',
      'Last-Attempt-Date': 'Mon, 23 Nov 2026 12:30:00 +0000',
    },
  ])
  expect(original?.text?.trimEnd()).toBe(header.toString().trimEnd())
})

const { smarthost: _, ...neverTried } = expired
test('a report on mail that was given up without an attempt tells of no attempt, nor when the last one was (RFC 3464 section 2.3.7)', async () => {
  const failures = [{ ...neverTried, attempts: 0, ambiguous: 0 }]
  const { parts } = await parse(report({ failures }))
  expect(parts[0]?.text).toContain(
    'Its time was over while no attempt could be made:\r\n    451 4.4.1 connect: refused',
  )
  expect(parts[0]?.text).not.toMatch(/tried/)
  expect(parts[1]?.groups?.[1]).toEqual({
    'Final-Recipient': 'rfc822; slow@example.net',
    Action: 'failed',
    Status: '4.4.7',
    'Diagnostic-Code': 'X-Relayfleet; 451 4.4.1 connect: refused',
  })
})

test('a report on mail whose time was over in a turn without an attempt tells of the attempts before', async () => {
  const { parts } = await parse(report({ failures: [neverTried] }))
  expect(parts[0]?.text).toContain(
    'It was tried 7 times, and its time was over while no other attempt could be made:\r\n    451 4.4.1 connect: refused',
  )
  expect(parts[1]?.groups?.[1]?.['Last-Attempt-Date']).toBeUndefined()
})

test.each([
  ['is not found in DNS', { code: 451, status: '4.4.3', text: 'connect: not resolved' }, false],
  ['took no connection', { code: 451, status: '4.4.1', text: 'connect: refused' }, false],
  ['said nothing', { code: 451, status: '4.4.2', text: 'banner: no answer' }, true],
  [
    'says that of a host behind it',
    { code: 451, status: '4.4.1', text: 'no answer', said: '451 4.4.1 no answer' },
    true,
  ],
] as const)('a smarthost that %s is the remote MTA: only if it had a part in the attempt (RFC 3464 section 2.3.5)', async (_what, last, isRemote) => {
  const failures = [{ ...expired, givenUp: { ...expired.givenUp, last } }]
  const { parts } = await parse(report({ failures }))
  expect(parts[1]?.groups?.[1]?.['Remote-MTA']).toBe(isRemote ? 'dns; smtp.example.com' : undefined)
})

test('what a smarthost said is quoted in lines that are not too long, and unfolded it is what it was (RFC 5322 section 2.2.3)', async () => {
  const characters = fc.string({ unit: fc.constantFrom(' ', ' ', '!', '-', ';', 'a', '~'), maxLength: 500 })
  const words = fc.array(fc.constantFrom('a', 'word', 'x'.repeat(60), 'y'.repeat(90)), { maxLength: 20 })
  const replies = fc.oneof(
    characters,
    words.map((some) => some.join(' ')),
  )
  const isQuoted = fc.asyncProperty(replies, async (text) => {
    const said = `550 ${text}`.trimEnd()
    const last = { code: 550, status: '5.0.0', text: 'ours', said }
    const failures = [{ ...refused, givenUp: { ...refused.givenUp, last } }]
    const [, fields = ''] = String(await composeDsn(report({ failures }))).split('message/delivery-status\r\n\r\n')
    const [field = ''] = /^Diagnostic-Code:.*(?:\r\n .*)*/m.exec(fields) ?? []
    const lines = field.split('\r\n')
    expect(lines.join('')).toBe(`Diagnostic-Code: smtp; ${said}`)
    for (const line of lines) expect(line.trim().includes(' ') && line.trimEnd().length > 78).toBe(false)
    expect(lines.every((line) => line.trim() !== '')).toBe(true)
  })
  await fc.assert(isQuoted, { numRuns: 300 })
})

test.each([
  [[refused], 'could not be delivered to:'],
  [[refused, expired], 'could not be delivered to 2 recipients:'],
])('a report says how many recipients it is about (%#)', async (failures, said) => {
  const { parts } = await parse(report({ failures }))
  expect(parts[0]?.text?.split(/\r?\n/)).toContain(said)
})

test('a report says of a single attempt that there was one, without a number of times', async () => {
  const { parts } = await parse(report({ failures: [{ ...expired, attempts: 1 }] }))
  expect(parts[0]?.text?.replace(/\s+/g, ' ')).toContain('It was tried once until its time was over; the last time at')
})

test.each([
  [0, false],
  [1, true],
])('a report on %s attempts without an answer warns of a copy: %s', async (ambiguous, warns) => {
  const { parts } = await parse(report({ failures: [{ ...expired, ambiguous }] }))
  const text = parts[0]?.text ?? ''
  expect(text.includes(`${ambiguous} of the attempts ended without an answer: a copy may have arrived`)).toBe(warns)
  expect(text.includes('copy')).toBe(warns)
})

test.each([
  ['192.0.2.25', '[192.0.2.25]'],
  ['2001:db8::25', '[IPv6:2001:db8::25]'],
  ['smtp.example.net.', 'smtp.example.net'],
])('a smarthost that is configured as %s is named by a domain or an address literal (RFC 3464 section 2.1.2)', async (host, name) => {
  const failures = [{ ...refused, smarthost: { name: 'gateway', host, port: 25 } }]
  const { parts } = await parse(report({ failures }))
  expect(parts[1]?.groups?.[1]?.['Remote-MTA']).toBe(`dns; ${name}`)
})

test.each([
  [true, 'message/global-headers'],
  [false, 'text/rfc822-headers'],
])('a report on an internationalised address and header is 7-bit, and the header, which came with SMTPUTF8 %s, is of the type %s (RFC 6533 sections 4 and 5)', async (smtpUtf8, type) => {
  const original = envelope(hello, { reversePath: 'j\u00f6rg@b\u00fccher.test', acceptedAt, smtpUtf8 })
  const utf8Header = Buffer.from(`From: <j\u00f6rg@b\u00fccher.test>\r\nSubject: ${'\u00e4'.repeat(300)}\r\n`)
  const failures = [{ ...refused, forwardPath: 'j\u00f6rg@x.test' }]
  const { sevenBit, headers, parts, defects, longest } = await parse(report({ original, failures, header: utf8Header }))
  expect({ sevenBit, defects }).toEqual({ sevenBit: true, defects: [] })
  expect(longest).toBeLessThanOrEqual(998)
  expect(headers['to']).toBe('undisclosed-recipients:;')
  expect(parts[1]?.groups?.[1]?.['Final-Recipient']).toBe('utf-8; j\\x{F6}rg@x.test')
  expect(parts[2]?.type).toBe(type)
  expect(parts[2]?.text?.trimEnd()).toBe(utf8Header.toString().trimEnd())
})

test('an internationalised address that is too long in its 7-bit form stands in the report as it is, encoded (RFC 6533 section 4)', async () => {
  const forwardPath = `j\u00f6rg${'+'.repeat(230)}@x.test`
  const failures = [refused, { ...refused, forwardPath }]
  const { sevenBit, parts, defects, longest } = await parse(report({ failures }))
  expect({ sevenBit, defects }).toEqual({ sevenBit: true, defects: [] })
  expect(longest).toBeLessThanOrEqual(998)
  expect(parts[1]?.type).toBe('message/global-delivery-status')
  expect(parts[1]?.text).toContain('\r\nFinal-Recipient: rfc822; nobody@example.net\r\n')
  expect(parts[1]?.text).toContain(`\r\nFinal-Recipient: utf-8; ${forwardPath}\r\nAction: failed\r\n`)
})

test.each([
  ['ASCII', Buffer.from('Subject: x\r\n')],
  ['ASCII in a line that is too long', Buffer.from(`Subject: ${'x'.repeat(1000)}\r\n`)],
  ['octets that are no UTF-8', Buffer.from('Subject: \xe4\r\n', 'latin1')],
])('a header of %s is no internationalised one, though it came with SMTPUTF8', async (_what, plain) => {
  const { parts } = await parse(report({ original: envelope(hello, { smtpUtf8: true }), header: plain }))
  expect(parts[2]?.type).toBe('text/rfc822-headers')
})

/** What the last part of a report holds, decoded. */
function returnedIn(dsn: Buffer): Buffer {
  const text = dsn.toString('latin1')
  const [, boundary] = /boundary="([^"]+)"/.exec(text) ?? []
  const part = text.slice(text.lastIndexOf(`--${boundary}\r\n`), text.lastIndexOf(`\r\n--${boundary}--`))
  const [head = ''] = part.split('\r\n\r\n', 1)
  const body = part.slice(head.length + 4)
  if (head.includes('Content-Transfer-Encoding: 7bit')) return Buffer.from(body)
  expect(head).toContain('Content-Transfer-Encoding: quoted-printable')
  const octets = body
    .replaceAll('=\r\n', '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
  return Buffer.from(octets, 'latin1')
}

test('whatever octets a header has, all of them are in the report, in lines of 998 characters at most', async () => {
  const octet = fc.oneof(
    fc.constantFrom(0x09, 0x20, 0x2e, 0x3d, 0x3f, 0x41, 0x7e),
    fc.constantFrom(0x80, 0x85, 0x9f, 0xa0, 0xc3, 0xe4, 0xff),
    fc.integer({ min: 0, max: 255 }),
  )
  const line = fc
    .array(octet, { maxLength: 1100, size: 'max' })
    .map((octets) => Buffer.from(octets.filter((one) => one !== 0x0a && one !== 0x0d)))
  const letters = fc
    .string({ unit: 'grapheme', maxLength: 60 })
    .map((text) => Buffer.from(text.replaceAll(/[\r\n]/g, '')))
  const isReturned = fc.asyncProperty(fc.array(fc.oneof(line, letters)), fc.boolean(), async (lines, smtpUtf8) => {
    const header = Buffer.concat(lines.flatMap((one) => [one, Buffer.from('\r\n')]))
    const dsn = await composeDsn(report({ header, original: envelope(hello, { smtpUtf8 }) }))
    expect(returnedIn(dsn)).toEqual(header)
    expect(dsn.toString('latin1')).toMatch(/^(?:[\t -~]{0,998}\r\n)*$/)
  })
  await fc.assert(isReturned, { numRuns: 300 })
})

test.each([
  ['an address', { failures: [{ ...refused, forwardPath: 'a@x.test\r\nAction: delivered' }] }],
  ['a reverse-path', { original: envelope(hello, { reversePath: 'a@x.test\r\nBcc: b@x.test' }) }],
  ['a Message-ID', { header: Buffer.from('Message-ID: <a\r\nBcc: b@x.test>\r\n') }],
])('CR LF in %s adds no field to a report', async (_name, rest) => {
  const { headers, parts, bare } = await parse(report(rest))
  expect(headers['bcc']).toBeUndefined()
  expect(parts[1]?.groups?.slice(1).every((group) => group['Action'] === 'failed')).toBe(true)
  expect(bare).toBe(0)
})

test('the header is returned as it is, also where a line is longer than 76 characters (RFC 6522 section 4)', async () => {
  const campaign = `X-Campaign: id=${'7'.repeat(80)}\r\n`
  const long = Buffer.from(`${header}${campaign}Received: by ${'x'.repeat(985)}\r\n`)
  expect(String(await composeDsn(report({ header: long })))).toContain(`\r\n\r\n${long}`)
  const { defects, parts } = await parse(report({ header: long }))
  expect(defects).toEqual([])
  expect(parts[2]?.text?.trimEnd()).toBe(long.toString().trimEnd())
})

test.each([
  ['no header at all', Buffer.alloc(0)],
  ['a header of long lines', Buffer.from(`References: ${'<a@b> '.repeat(3000)}\r\n`)],
])('a message with %s is reported all the same', async (_name, odd) => {
  const { type, defects, longest } = await parse(report({ header: odd }))
  expect({ type, defects }).toEqual({ type: 'multipart/report', defects: [] })
  expect(longest).toBeLessThanOrEqual(998)
})

test('the queue id of a report follows from what it reports, and is that of no other report', () => {
  const id = dsnQueueId('q00000000000001', 0)
  expect(id).toBe(dsnQueueId('q00000000000001', 0))
  expect(id).toMatch(/^q00000000[0-9a-z]{7}$/)
  const ids = Array.from({ length: 1000 }, (_, i) => dsnQueueId('q00000000000001', i))
  expect(new Set([...ids, dsnQueueId('q00000000000002', 0)]).size).toBe(1001)
})

test.each([
  ['5.1.1', /address/],
  ['5.2.2', /full/],
  ['5.3.4', /too large/],
  ['4.4.7', /time was over/],
  ['5.6.3', /8-bit/],
  ['5.6.7', /address of ASCII/],
  ['5.6.9', /header in ASCII/],
  ['5.7.1', /policy/],
  ['5.0.0', /team/],
])('the text for status %s says what to do', (status, advice) => {
  expect(adviceFor(status)).toMatch(advice)
})
