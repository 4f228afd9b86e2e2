/** A DSN as its client asked for it (RFC 3461): by the names that it gave, of a success too, and with the whole message. */
import { expect, test } from 'vitest'
import { composeDsn, type Report } from '../../../relay/delivery/dsn.ts'
import { acceptedAt, header, parse, refused, report } from './report-samples.ts'

const wishes = {
  ret: 'FULL',
  envid: 'QQ+20314+2B159',
  recipients: {
    0: { notify: ['SUCCESS'], orcpt: 'rfc822;list+2Bowner@example.org' },
    1: { orcpt: 'utf-8;j\\x{F6}rg@example.org' },
  },
} as const
const handedOn: NonNullable<Report['handedOn']>[number] = {
  forwardPath: 'gone@example.net',
  at: acceptedAt + 1_800_000,
  smarthost: { name: 'ses', host: 'smtp.example.com', port: 587 },
  taken: { code: 250, status: '2.6.0', text: 'queued as 7', said: '250 2.6.0 queued as 7' },
}

test('whom a host without reports has taken is told as relayed, with the names that the client gave (RFC 3461 sections 5.2.2 and 6.3)', async () => {
  const original = { ...report().original, forwardPaths: ['gone@example.net'], wishes }
  const { headers, parts, defects, sevenBit } = await parse(report({ original, failures: [], handedOn: [handedOn] }))
  expect({ defects, sevenBit }).toEqual({ defects: [], sevenBit: true })
  expect(headers['subject']).toMatch(/^Handed on/)
  expect(parts.map(({ type }) => type)).toEqual(['text/plain', 'message/delivery-status', 'text/rfc822-headers'])
  const text = parts[0]?.text?.replace(/\s+/g, ' ')
  expect(text).toContain('was taken by a host that sends no reports of success')
  expect(text).toContain(
    '<gone@example.net> It was taken at smarthost ses (smtp.example.com:587): 250 2.6.0 queued as 7',
  )
  expect(text).not.toContain('could not')
  expect(parts[1]?.groups).toEqual([
    {
      'Original-Envelope-Id': 'QQ 314+159',
      'Reporting-MTA': 'dns; relay.example.org',
      'X-Relayfleet-Queue-Id': 'q00000000000001',
      'Arrival-Date': 'Mon, 23 Nov 2026 12:00:00 +0000',
    },
    {
      'Original-Recipient': 'rfc822; list+owner@example.org',
      'Final-Recipient': 'rfc822; gone@example.net',
      Action: 'relayed',
      Status: '2.6.0',
      'Remote-MTA': 'dns; smtp.example.com',
      'Diagnostic-Code': 'smtp; 250 2.6.0 queued as 7',
      'Last-Attempt-Date': 'Mon, 23 Nov 2026 12:30:00 +0000',
    },
  ])
})

test('one report tells of those who are given up, and of those who are taken', async () => {
  const original = { ...report().original, forwardPaths: ['gone@example.net', 'nobody@example.net'], wishes }
  const { headers, parts } = await parse(report({ original, failures: [refused], handedOn: [handedOn] }))
  expect(headers['subject']).toMatch(/^Undelivered/)
  expect(parts[0]?.text?.replace(/\s+/g, ' ')).toContain('The same message was taken by a host')
  expect(parts[1]?.groups?.slice(1).map((group) => [group['Action'], group['Original-Recipient']])).toEqual([
    ['failed', 'utf-8; j\\x{F6}rg@example.org'],
    ['relayed', 'rfc822; list+owner@example.org'],
  ])
})

const plain = Buffer.concat([header, Buffer.from('\r\n--qqqqqqqqq1234567\r\n\r\n.the end\r\n')])
test.each([
  ['plain text', plain, 'message/rfc822', 'The whole of your message is attached.'],
  ['8-bit text', Buffer.concat([plain, Buffer.from('é\r\n')]), 'text/rfc822-headers', 'The header of your message'],
  [
    'a line of 999 octets',
    Buffer.concat([plain, Buffer.from(`${'a'.repeat(999)}\r\n`)]),
    'text/rfc822-headers',
    'The header',
  ],
])('with RET=FULL %s comes back as far as a report of 7 bits can have it', async (_, whole, type, said) => {
  const octets = (await composeDsn(report({ whole }))).toString('latin1')
  expect(octets).toContain(said)
  expect(octets).toContain(`Content-Type: ${type}`)
  expect(octets.includes(whole.toString('latin1'))).toBe(type === 'message/rfc822')
})
