/** Mail of a domain that can not be signed, or whose records are broken, is refused if its owner wants that (whenBroken). */
import { expect, test } from 'vitest'
import { judgeHeader } from '../../../relay/rules/content.ts'
import { senderRules } from '../policy.ts'
import { facts } from './facts.ts'

const lines = ['To: you@example.org', 'Subject: hello', 'Date: Mon, 23 Nov 2026 12:00:00 +0000']
const message = (from: string): Buffer => Buffer.from(`${[from, ...lines].join('\r\n')}\r\n\r\n`)

const signing = (whenBroken: 'Warn' | 'Defer' | 'Refuse', keys: number) => ({
  senderDomain: 'mail/corp',
  domain: 'corp.t',
  whenBroken,
  keys: Array.from({ length: keys }, () => ({ selector: 's', algorithm: 'rsa-sha256' as const, keyFile: 's.pem' })),
})

test.each([
  ['Refuse', 1, false, 'senderDomain.whenBroken'],
  ['Refuse', 0, undefined, 'senderDomain.whenBroken'],
  ['Refuse', 1, true, undefined],
  ['Refuse', 1, undefined, undefined],
  ['Defer', 1, false, undefined],
  ['Warn', 0, false, undefined],
] as const)('whenBroken %s, %i keys, and it is known that they can sign: %s', (whenBroken, keys, can, rule) => {
  const canSign = can === undefined ? {} : { canSign: (domain: string) => domain !== 'corp.t' || can }
  const own = { ...facts({ signing: [signing(whenBroken, keys)] }), reversePath: 'app@corp.t', ...canSign }
  expect(judgeHeader(own, message('From: <app@corp.t>')).refusal?.rule).toBe(rule)
})

const broken = (action: 'Defer' | 'Refuse', domain = 'corp.t', records = ['TXT corp.t']) => ({
  brokenDomains: [{ senderDomain: 'mail/corp', domain, action, records }],
})

test.each([
  ['Refuse', 'corp.t', 'senderDomain.whenBroken'],
  ['Refuse', 'other.t', undefined],
  ['Defer', 'corp.t', undefined],
] as const)('whenBroken %s while the records of %s are broken: mail from corp.t is refused by %s', (action, domain, rule) => {
  const own = { ...facts(broken(action, domain)), reversePath: 'app@corp.t' }
  expect(judgeHeader(own, message('From: <app@corp.t>')).refusal?.rule).toBe(rule)
})

test('the reply names the domain, a few of its records, and who mends them', () => {
  const records = Array.from({ length: 6 }, (_, i) => `TXT s${i}._domainkey.corp.t`)
  const own = { ...facts(broken('Refuse', 'corp.t', records)), reversePath: 'app@corp.t' }
  expect(judgeHeader(own, message('From: <app@corp.t>')).refusal?.reply).toEqual({
    code: 451,
    status: '4.7.5',
    text:
      'the DNS records of corp.t are broken (TXT s0._domainkey.corp.t, TXT s1._domainkey.corp.t, TXT s2._domainkey.corp.t and 3 more); ' +
      'the owner of SenderDomain mail/corp has to publish them as its status says (senderDomain.whenBroken)',
  })
})

test('mail from a domain is accepted while another domain can not be signed', () => {
  const other = { ...signing('Refuse', 0), domain: 'other.t' }
  const own = { ...facts({ signing: [other] }), reversePath: 'app@corp.t', canSign: () => false }
  expect(judgeHeader(own, message('From: <app@corp.t>')).refusal).toBeUndefined()
})

test('a From that the credential does not own, and that is only audited, is not refused by the whenBroken of its domain', () => {
  const audit = { enforcement: 'Audit', displayNameAddress: 'Reject' } as const
  const config = { ...broken('Refuse', 'other.t'), signing: [{ ...signing('Refuse', 0), domain: 'other.t' }] }
  const own = { ...facts({ ...config, senderRules: senderRules({ headerFrom: audit }) }), reversePath: '' }
  const { refusal, audited } = judgeHeader(own, message('From: <ceo@other.t>'))
  expect(refusal).toBeUndefined()
  expect(audited.map(({ rule }) => rule)).toEqual(['senderRules.headerFrom'])
})
