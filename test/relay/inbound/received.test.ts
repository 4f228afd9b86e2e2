/** Our Received field keeps to the grammar of RFC 5321 section 4.4, whatever the client calls itself. */
import { expect, test } from 'vitest'
import { receivedHeader, type Trace } from '../../../relay/inbound/received.ts'

const reception: Trace = {
  hostname: 'relay.example.org',
  queueId: '0ABC',
  client: { address: '192.0.2.7', helo: 'app.example', tls: 'TLSv1.3' },
  smtpUtf8: false,
  forwardPaths: ['user@elsewhere.example'],
  at: Date.UTC(2026, 11, 1, 9, 5, 7),
}

test('Received names client, relay, protocol, TLS, queue id, the only recipient and the time', () => {
  expect(receivedHeader(reception)).toBe(
    'Received: from app.example ([192.0.2.7])\r\n' +
      '\tby relay.example.org with ESMTPSA (TLSv1.3) id 0ABC\r\n' +
      '\tfor <user@elsewhere.example>; Tue, 01 Dec 2026 09:05:07 +0000\r\n',
  )
})

test('several recipients do not learn of each other by Received', () => {
  const header = receivedHeader({ ...reception, forwardPaths: ['a@elsewhere.example', 'b@elsewhere.example'] })
  expect(header).not.toContain('elsewhere')
  expect(header).toContain('id 0ABC; Tue, 01 Dec 2026')
})

test('a recipient beyond ASCII is not named in Received: a redirected message would need SMTPUTF8 at a smarthost without it, and bounce', () => {
  const header = receivedHeader({ ...reception, smtpUtf8: true, forwardPaths: ['jörg@elsewhere.example'] })
  expect(header).toMatch(/^[\x00-\x7f]*$/)
  expect(header).toContain('id 0ABC; Tue, 01 Dec 2026')
})

test('a message with SMTPUTF8 has a protocol name of its own in Received (RFC 6531 section 4.3)', () => {
  expect(receivedHeader({ ...reception, smtpUtf8: true })).toContain(' with UTF8SMTPSA ')
})

test.each([
  ['an IPv6 client', { address: '2001:db8::7' }, 'from app.example ([IPv6:2001:db8::7])'],
  ['a link-local client', { address: 'fe80::7%eth0' }, 'from app.example ([IPv6:fe80::7])'],
  ['an address literal', { helo: '[192.0.2.9]' }, 'from [192.0.2.9] ([192.0.2.7])'],
  ['an address literal of IPv6', { helo: '[IPv6:2001:db8::9]' }, 'from [IPv6:2001:db8::9] ([192.0.2.7])'],
  ['an address of IPv6 without its tag', { helo: '[::1]' }, 'from [192.0.2.7] ([192.0.2.7])'],
  ['an address of IPv4 with the tag of IPv6', { helo: '[IPv6:192.0.2.9]' }, 'from [192.0.2.7] ([192.0.2.7])'],
  ['a word in brackets', { helo: '[app.example]' }, 'from [192.0.2.7] ([192.0.2.7])'],
  ['an address with its zone', { helo: '[IPv6:fe80::1%eth0]' }, 'from [192.0.2.7] ([192.0.2.7])'],
  ['a name that begins with a hyphen', { helo: '-a.example' }, 'from [192.0.2.7] ('],
  ['a name with a label that ends with a hyphen', { helo: 'a-.example' }, 'from [192.0.2.7] ('],
  ['a name of one letter', { helo: 'a' }, 'from a ('],
  ['a name that would end a comment', { helo: 'a)b' }, 'from [192.0.2.7] ([192.0.2.7])'],
  ['a name with a semicolon', { helo: 'a;b' }, 'from [192.0.2.7] ('],
  ['a name beyond ASCII', { helo: 'é.example' }, 'from [192.0.2.7] ('],
  ['a name with an empty label', { helo: 'a..b' }, 'from [192.0.2.7] ('],
  ['no name at all', { helo: '' }, 'from [192.0.2.7] ('],
] as const)('Received has the name that the client gives itself where that is one, and its address: %s', (_name, client, expected) => {
  expect(receivedHeader({ ...reception, client: { ...reception.client, ...client } })).toContain(expected)
})
