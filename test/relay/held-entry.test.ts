/** A credential of a held fleet may do no more than before a change, and no more than after it (decision 0011). */
import { expect, test } from 'vitest'
import type { CredentialConfig } from '../../relay/config.ts'
import { heldEntry } from '../../relay/held-entry.ts'
import { credential, sender } from './policy.ts'

type Some = Partial<CredentialConfig>

const tokens = (...serviceAccounts: string[]): Some => ({ serviceAccounts })
const shown = (caFile: string, ...names: string[]): Some => ({ certificate: { caFile, names } })
const key = (id: string) => ({ id, verifier: `verifier of ${id}` })
const per = (count: number, perMs: number) => ({ limits: { rate: { count, perMs }, warnAt: 80 } })
const daily = (most: number, warnAt = 80): Some => ({ limits: { daily: most, warnAt } })
const as = (over: Parameters<typeof sender>[0]): Some => ({ senders: [sender(over)] })

test.each<readonly [string, Some, Some, Some]>([
  [
    'keys of which one is gone and one is new',
    { keys: [key('k1'), key('k2')] },
    { keys: [key('k2'), key('k3')] },
    { keys: [key('k2'), key('k3')] },
  ],
  [
    'service accounts of which one is gone and one is new',
    tokens('shop/web', 'shop/job'),
    tokens('shop/job', 'shop/new'),
    tokens('shop/job'),
  ],
  [
    'names in a certificate of which one is gone and one is new',
    shown('ca', 'DNS:a', 'DNS:b'),
    shown('ca', 'DNS:b', 'DNS:c'),
    shown('ca', 'DNS:b'),
  ],
  ['a sender domain whose subdomains are gone', as({ includeSubdomains: true }), as({ includeSubdomains: false }), {}],
  ['a sender domain whose subdomains are new', as({ includeSubdomains: false }), as({ includeSubdomains: true }), {}],
  [
    'local parts of which one is under a prefix of before, and one stands in other letter case',
    as({ localParts: ['Billing-*', 'info'] }),
    as({ localParts: ['billing-7', 'billings', 'bill', 'sales', 'INFO'] }),
    as({ localParts: ['info', 'billing-7', 'INFO'] }),
  ],
  [
    'a longer prefix of local parts',
    as({ localParts: ['b*'] }),
    as({ localParts: ['billing-*'] }),
    as({ localParts: ['billing-*'] }),
  ],
  [
    'addresses in other letter case',
    { addresses: ['A@corp.t', 'b@corp.t'] },
    { addresses: ['a@corp.t', 'c@corp.t'] },
    { addresses: ['A@corp.t', 'a@corp.t'] },
  ],
  ['some addresses where it had all', {}, { addresses: ['a@corp.t'] }, { addresses: ['a@corp.t'] }],
  ['all addresses where it had some', { addresses: ['a@corp.t'] }, {}, { addresses: ['a@corp.t'] }],
  [
    'a part of its network, and another network',
    { networks: ['192.0.2.0/24'] },
    { networks: ['192.0.2.0/25', '10.0.0.0/8'] },
    { networks: ['192.0.2.0/25'] },
  ],
  ['a wider network', { networks: ['192.0.2.0/25'] }, { networks: ['192.0.2.0/24'] }, { networks: ['192.0.2.0/25'] }],
  [
    'recipient domains of which one is gone and one is new',
    { recipientDomains: ['a.t', 'b.t'] },
    { recipientDomains: ['b.t', 'c.t'] },
    { recipientDomains: ['b.t'] },
  ],
  ['an earlier expiry', { expiresAt: 2000 }, { expiresAt: 1000 }, { expiresAt: 1000 }],
  ['a later expiry', { expiresAt: 1000 }, { expiresAt: 2000 }, { expiresAt: 1000 }],
  ['an expiry where it had none', {}, { expiresAt: 1000 }, { expiresAt: 1000 }],
  ['no expiry any more', { expiresAt: 1000 }, {}, { expiresAt: 1000 }],
  ['a suspension', { suspended: false }, { suspended: true }, { suspended: true }],
  ['a suspension that has ended', { suspended: true }, { suspended: false }, { suspended: true }],
  ['a lower daily limit', daily(9, 50), daily(5), daily(5)],
  ['a higher daily limit', daily(5, 50), daily(9), daily(5)],
  ['a daily limit where it had none', {}, daily(5), daily(5)],
  ['no daily limit any more', daily(5), {}, daily(5)],
  ['a daily limit where it had a rate', per(10, 1000), daily(5), { limits: { daily: 5, ...per(10, 1000).limits } }],
  ['a slower rate', per(10, 1000), per(100, 60_000), per(100, 60_000)],
  ['a faster rate', per(100, 60_000), per(10, 1000), per(100, 60_000)],
  ['the same rate with fewer at once', per(100, 10_000), per(10, 1000), per(10, 1000)],
  ['the same rate with more at once', per(10, 1000), per(100, 10_000), per(10, 1000)],
])('a credential is left what it had and still has, when it gets: %s', (_name, before, now, left) => {
  expect(heldEntry(credential(before), credential({ ...now, username: 'team.renamed' }))).toEqual(
    credential({ ...left, username: 'team.renamed' }),
  )
})

test.each<readonly [string, Some, Some]>([
  ['another service account to log in by', tokens('shop/web'), tokens('shop/job')],
  [
    'tokens to log in by, which replace its password,',
    { keys: [key('k1')] },
    { keys: [key('k1')], ...tokens('shop/web') },
  ],
  ['another name in a certificate to log in by', shown('ca', 'DNS:a'), shown('ca', 'DNS:b')],
  ['the same name, by another authority, to log in by', shown('ca', 'DNS:a'), shown('other-ca', 'DNS:a')],
  ['a certificate to log in by, which replaces its password,', { keys: [key('k1')] }, shown('ca', 'DNS:a')],
  ['another domain to send as', as({ domain: 'corp.t' }), as({ domain: 'other.t' })],
  [
    'the same domain, of another SenderDomain, to send as',
    as({ senderDomain: 'mail/corp' }),
    as({ senderDomain: 'shop/corp' }),
  ],
  ['other local parts to send as', as({ localParts: ['a'] }), as({ localParts: ['b'] })],
  ['other addresses to send as', { addresses: ['a@corp.t'] }, { addresses: ['b@corp.t'] }],
  ['another network to come from', { networks: ['192.0.2.0/24'] }, { networks: ['198.51.100.0/24'] }],
  ['other domains to send to', { recipientDomains: ['a.t'] }, { recipientDomains: ['b.t'] }],
])('nothing is left of a credential that gets %s instead of what it had', (_name, before, now) => {
  expect(heldEntry(credential(before), credential(now))).toBeUndefined()
})
