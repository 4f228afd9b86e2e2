/** Which recipients a credential may name in RCPT, by the policy's recipients and by those of the credential. */
import { expect, test } from 'vitest'
import type { RelayConfig } from '../../../relay/config.ts'
import { judgeRcptTo } from '../../../relay/rules/rcpt-to.ts'
import { facts } from './facts.ts'

type Recipients = RelayConfig['recipients']
const listed: Recipients = {
  mode: 'AllowList',
  domains: ['example.org'],
  addresses: ['QA@partner.t', 'sms!7%eu@partner.t'],
}
const ruleOf = (recipients: Recipients, path: string, own: readonly string[] = []) =>
  judgeRcptTo(facts({ recipients }, { recipientDomains: own }), path, 0).refusal?.rule
const unrestricted: Recipients = { mode: 'Unrestricted', domains: [], addresses: [] }

test.each([
  ['any mailbox', 'you@example.org', undefined],
  ['with tags and quotes', '"john doe"@example.org', undefined],
  ['a long local part', `reply+${'x'.repeat(80)}@example.org`, undefined],
  ['a percent', 'a%b@example.org', undefined],
  ['no domain', 'postmaster', 'always.syntax'],
  ['an empty path', '', 'always.syntax'],
  ['a literal', 'root@[127.0.0.1]', 'always.syntax'],
  ['a source route', '@a.t:you@example.org', 'always.syntax'],
  ['two recipients in one', 'a@example.org,b@example.org', 'always.syntax'],
  ['a second command', 'a@example.org>\r\nRCPT TO:<b@example.org', 'always.syntax'],
  ['an encoded-word', '=?x?q?=40=3e?=a@example.org', 'always.syntax'],
  ['beyond ASCII', 'jörg@example.org', 'always.utf8'],
])('a recipient where the policy says Unrestricted: %s', (_name, path, rule) => {
  expect(ruleOf(unrestricted, path)).toBe(rule)
})

test.each([
  ['a listed domain', 'you@example.org', undefined],
  ['a listed domain in upper case', 'You@EXAMPLE.ORG', undefined],
  ['a listed address', 'qa@Partner.T', undefined],
  ['a listed address with percent and bang, which names that very mailbox', 'sms!7%eu@partner.t', undefined],
  ['another address in the domain of a listed one', 'boss@partner.t', 'recipients.allow'],
  ['a subdomain', 'you@sub.example.org', 'recipients.allow'],
  ['a domain that ends like a listed one', 'you@evilexample.org', 'recipients.allow'],
  ['a domain that begins with a listed one', 'you@example.org.evil.t', 'recipients.allow'],
  ['a route by percent', 'boss%partner.t@example.org', 'recipients.allow'],
  ['a route by bang', 'partner.t!boss@example.org', 'recipients.allow'],
  ['a route in quotes', '"boss@partner.t"@example.org', 'recipients.allow'],
])('a recipient where the policy says AllowList: %s', (_name, path, rule) => {
  expect(ruleOf(listed, path)).toBe(rule)
})

test('a postmaster without a domain is refused and the client told to add one: only a host where mail ends has that mailbox (RFC 5321 section 4.5.1)', () => {
  const { refusal } = judgeRcptTo(facts({}, {}), 'Postmaster', 0)
  expect(refusal).toMatchObject({ rule: 'always.syntax', reply: { code: 501, status: '5.5.4' } })
  expect(refusal?.reply.text).toContain('write postmaster@domain')
})

test('a client that sends to a user of its own machine is told that a domain has two labels or more', () => {
  const { refusal } = judgeRcptTo(facts({}, {}), 'root@localhost', 0)
  expect(refusal?.reply.text).toContain('user@domain with two labels or more')
})

// These are plain mailboxes, and their domains have two labels: a reply that asked for no more than that would mislead.
test.each([
  ['a capital beyond ASCII', 'you@Österreich.example'],
  ['a letter that IDNA 2003 maps and 2008 keeps', 'you@straße.example'],
  ['a decomposed letter', 'jo\u0308rg@example.org'],
])('case M25: a client that writes %s is told which forms are accepted', (_name, path) => {
  const { refusal } = judgeRcptTo({ ...facts({}, {}), smtpUtf8: true }, path, 0)
  expect(refusal).toMatchObject({ rule: 'always.syntax', reply: { code: 501, status: '5.5.4' } })
  expect(refusal?.reply.text).toContain(
    'beyond ASCII in lower case and composed (NFC), a domain best in A-labels (xn--)',
  )
})

test('an empty AllowList allows nobody', () => {
  expect(ruleOf({ mode: 'AllowList', domains: [], addresses: [] }, 'you@example.org')).toBe('recipients.allow')
})

test.each([
  'Capture',
  'Redirect',
] as const)('%s accepts every mailbox as a recipient, and nothing that is no mailbox', (mode) => {
  const recipients = { ...listed, mode, redirectTo: 'qa@example.org' }
  expect(ruleOf(recipients, 'anybody@anywhere.t')).toBeUndefined()
  expect(ruleOf(recipients, 'nobody')).toBe('always.syntax')
})

test.each([
  ['its domain', 'you@example.org', undefined],
  ['another domain', 'qa@partner.t', 'credential.recipients'],
  ['a subdomain', 'you@sub.example.org', 'credential.recipients'],
  ['a route through its domain', 'qa%partner.t@example.org', 'credential.recipients'],
])('a recipient where the credential has recipient domains of its own: %s', (_name, path, rule) => {
  expect(ruleOf(unrestricted, path, ['example.org'])).toBe(rule)
  expect(ruleOf({ ...unrestricted, mode: 'Capture' }, path, ['example.org'])).toBe(rule)
})

test('a credential narrows what the policy allows, and never widens it', () => {
  expect(ruleOf(listed, 'you@elsewhere.t', ['elsewhere.t'])).toBe('recipients.allow')
  expect(ruleOf(listed, 'qa@partner.t', ['example.org'])).toBe('credential.recipients')
})

test('a recipient beyond recipientsPerMessage is refused with 452', () => {
  const refusal = (accepted: number) => judgeRcptTo(facts(), 'you@example.org', accepted).refusal
  expect(refusal(99)).toBeUndefined()
  expect(refusal(100)).toMatchObject({
    rule: 'admission.limits.recipientsPerMessage',
    reply: { code: 452, status: '4.5.3' },
  })
})

test('with SMTPUTF8 a recipient may be beyond ASCII', () => {
  const utf8 = { ...facts({ recipients: { ...listed, domains: ['xn--bcher-kva.example'] } }), smtpUtf8: true }
  expect(judgeRcptTo(utf8, 'jörg@bücher.example', 0)).toEqual({ audited: [] })
})
