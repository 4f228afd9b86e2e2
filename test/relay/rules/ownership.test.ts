/** Which addresses belong to a credential by its domains, their subdomains and local parts, and its addresses. */
import { expect, test } from 'vitest'
import type { CredentialConfig } from '../../../relay/config.ts'
import { parsePath } from '../../../relay/mail/address.ts'
import { ownerOf, owns } from '../../../relay/rules/ownership.ts'
import { leastCpuMs } from '../../cpu-time.ts'
import { credential, sender } from '../policy.ts'

const asked = (own: Partial<CredentialConfig>, address: string): boolean => {
  const mailbox = parsePath(address)
  return mailbox !== undefined && owns(credential(own), mailbox)
}

test.each([
  ['app@corp.t', true],
  ['APP@CORP.T', true],
  ['"app"@corp.t', true],
  ['jörg@corp.t', true],
  ['app@sub.corp.t', false],
  ['app@evilcorp.t', false],
  ['app@corp.t.evil.t', false],
  ['app@t.corp', false],
  ['"app@corp.t"@other.t', false],
  ['"x y"@corp.t', false],
  ['"app@other.t"@corp.t', false],
])('that a credential with a domain owns %s is %s', (address, owned) => {
  expect(asked({}, address)).toBe(owned)
})

test.each([
  ['app@corp.t', true],
  ['app@sub.corp.t', true],
  ['app@a.b.CORP.t', true],
  ['app@evilcorp.t', false],
  ['app@sub.corp.t.evil.t', false],
])('that a credential with a domain and its subdomains owns %s is %s', (address, owned) => {
  expect(asked({ senders: [sender({ includeSubdomains: true })] }, address)).toBe(owned)
})

test.each([
  ['noreply@corp.t', true],
  ['NoReply@corp.t', true],
  ['noreply2@corp.t', false],
  ['xnoreply@corp.t', false],
  ['billing-@corp.t', true],
  ['Billing-EU@corp.t', true],
  ['billing@corp.t', false],
  ['mixed@corp.t', true],
  ['noreply@other.t', false],
])('that a credential with a domain and local parts owns %s is %s', (address, owned) => {
  expect(asked({ senders: [sender({ localParts: ['noreply', 'billing-*', 'Mixed'] })] }, address)).toBe(owned)
})

test.each([
  ['app@corp.t', true],
  ['App@Corp.T', true],
  ['app+tag@corp.t', false],
  ['other@corp.t', false],
  ['app@elsewhere.t', false],
])('addresses narrow what a credential owns, and never widen it: that it owns %s is %s', (address, owned) => {
  expect(asked({ addresses: ['App@corp.t', 'app@elsewhere.t'] }, address)).toBe(owned)
})

test('the local parts of one domain do not count for another domain', () => {
  const senders = [sender({ localParts: ['a'] }), sender({ domain: 'b.t', localParts: ['b'] })]
  expect(['a@corp.t', 'b@b.t', 'b@corp.t', 'a@b.t'].map((a) => asked({ senders }, a))).toEqual([
    true,
    true,
    false,
    false,
  ])
})

test('a credential without a domain owns nothing', () => {
  expect(asked({ senders: [], addresses: ['app@corp.t'] }, 'app@corp.t')).toBe(false)
})

test('a letter beyond ASCII is not the ASCII letter that lower-casing makes of it', () => {
  expect(asked({ senders: [sender({ localParts: ['work'] })] }, 'wor\u212a@corp.t')).toBe(false)
})

test('of a domain and a subdomain of it that both allow an address, the subdomain owns it, whatever their order', () => {
  const senders = [
    sender({ domain: 'corp.t', includeSubdomains: true }),
    sender({ domain: 'sub.corp.t', localParts: ['app'] }),
  ]
  const ownerIn = (all: CredentialConfig['senders'], address: string) => {
    const mailbox = parsePath(address)
    return mailbox && ownerOf(credential({ senders: all }), mailbox)?.domain
  }
  for (const all of [senders, senders.toReversed()]) {
    expect(ownerIn(all, 'app@sub.corp.t')).toBe('sub.corp.t')
    expect(ownerIn(all, 'other@sub.corp.t')).toBe('corp.t')
    expect(ownerIn(all, 'app@corp.t')).toBe('corp.t')
    expect(ownerIn(all, 'app@evilcorp.t')).toBeUndefined()
  }
})

test('a thousand senders of a header are looked up in less than 50 ms, whatever a credential may send as', () => {
  const nested = Array.from({ length: 32 }, (_, i) => `${'a.'.repeat(i)}corp.t`)
  const localParts = Array.from({ length: 64 }, (_, i) => `one-of-many-${i}`)
  const own = credential({ senders: nested.map((domain) => sender({ domain, includeSubdomains: true, localParts })) })
  const mailbox = parsePath(`one-of-many-63@${nested.at(-1)}`)
  if (mailbox === undefined) throw new Error('no mailbox')
  const senders = Array.from({ length: 1000 }, () => mailbox)
  expect(leastCpuMs(3, () => senders.every((one) => owns(own, one)))).toBeLessThan(50)
  expect(owns(own, mailbox)).toBe(true)
})
