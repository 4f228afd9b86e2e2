/** Which reverse-paths a credential may name in MAIL, and what it is told where it may not. */
import { expect, test } from 'vitest'
import { judgeMailFrom } from '../../../relay/rules/mail-from.ts'
import { sender, senderRules } from '../policy.ts'
import { facts } from './facts.ts'

test.each([
  ['an address of its own', 'app@corp.t', undefined],
  ['case M26: upper case', 'APP@CORP.T', undefined],
  ['quoted, though it need not be', '"app"@corp.t', undefined],
  ['case M01: another domain', 'ceo@other.t', 'senderRules.envelopeFrom'],
  ['case A16: the domain of another team', 'app@team-b.t', 'senderRules.envelopeFrom'],
  ['case M28: a subdomain', 'app@sub.corp.t', 'senderRules.envelopeFrom'],
  ['case M28: a domain that ends like its own', 'app@evilcorp.t', 'senderRules.envelopeFrom'],
  ['case M28: a domain that begins with its own', 'app@corp.t.evil.t', 'senderRules.envelopeFrom'],
  ['its address as local part', '"app@corp.t"@other.t', 'senderRules.envelopeFrom'],
  ['another address as local part', '"ceo@other.t"@corp.t', 'senderRules.envelopeFrom'],
  ['the null reverse-path', '', 'senderRules.nullReversePath'],
  ['a source route', '@other.t:app@corp.t', 'always.syntax'],
  ['brackets', '<app@corp.t>', 'always.syntax'],
  ['no domain', 'app', 'always.syntax'],
  ['a literal', 'app@[127.0.0.1]', 'always.syntax'],
  ['a space', ' ', 'always.syntax'],
  ['NUL', 'app@corp.t\0', 'always.syntax'],
  ['case P35: a local part beyond ASCII', 'é@corp.t', 'always.utf8'],
  ['a domain beyond ASCII', 'app@bücher.example', 'always.utf8'],
])('a reverse-path is accepted, or refused by its rule: %s', (_name, reversePath, rule) => {
  expect(judgeMailFrom(facts(), reversePath).refusal?.rule).toBe(rule)
})

test('a foreign reverse-path is refused with 550, a malformed one with 501, one that needs SMTPUTF8 with 553', () => {
  const reply = (path: string) => judgeMailFrom(facts(), path).refusal?.reply
  expect(reply('ceo@other.t')).toMatchObject({ code: 550, status: '5.7.1' })
  expect(reply('nonsense')).toMatchObject({ code: 501, status: '5.5.4' })
  expect(reply('é@corp.t')).toMatchObject({ code: 553, status: '5.6.7' })
})

test('a client that sends as a user of its own machine is told that a domain has two labels or more', () => {
  expect(judgeMailFrom(facts(), 'root@web-7d9c').refusal?.reply.text).toContain('user@domain with two labels or more')
})

test('a client that sends from a domain with a capital beyond ASCII is told which forms are accepted', () => {
  const { refusal } = judgeMailFrom({ ...facts(), smtpUtf8: true }, 'app@BÜCHER.example')
  expect(refusal?.reply.text).toContain('beyond ASCII in lower case and composed (NFC)')
})

test('the null reverse-path is accepted from a credential that is allowed it', () => {
  const allowed = facts({ senderRules: senderRules({ nullReversePath: 'AllowForCredential' }) })
  expect(judgeMailFrom(allowed, '')).toEqual({ audited: [] })
})

test('case M25: with SMTPUTF8 a U-label in the reverse-path is the same domain as its A-label', () => {
  const own = { ...facts({}, { senders: [sender({ domain: 'xn--bcher-kva.example' })] }), smtpUtf8: true }
  expect(judgeMailFrom(own, 'app@bücher.example')).toEqual({ audited: [] })
  expect(judgeMailFrom(own, 'jörg@bücher.example')).toEqual({ audited: [] })
  expect(judgeMailFrom(own, 'app@bücher.t').refusal?.rule).toBe('senderRules.envelopeFrom')
})

test('Audit accepts and reports a foreign reverse-path, and still refuses a malformed one and the null one', () => {
  const audit = facts({ senderRules: senderRules({ envelopeFrom: { enforcement: 'Audit' } }) })
  expect(judgeMailFrom(audit, 'ceo@other.t')).toMatchObject({ audited: [{ rule: 'senderRules.envelopeFrom' }] })
  expect(judgeMailFrom(audit, 'ceo@other.t').refusal).toBeUndefined()
  expect(judgeMailFrom(audit, 'nonsense').refusal?.rule).toBe('always.syntax')
  expect(judgeMailFrom(audit, '').refusal?.rule).toBe('senderRules.nullReversePath')
})
