/** What a credential of a held fleet has left: never more than it had, and never more than it has (0011). */
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
    'keys that come and go',
    { keys: [key('k1'), key('k2')] },
    { keys: [key('k2'), key('k3')] },
    { keys: [key('k2'), key('k3')] },
  ],
  [
    'accounts, of which one has gone and one is new',
    tokens('shop/web', 'shop/job'),
    tokens('shop/job', 'shop/new'),
    tokens('shop/job'),
  ],
  [
    'names of a certificate, likewise',
    shown('ca', 'DNS:a', 'DNS:b'),
    shown('ca', 'DNS:b', 'DNS:c'),
    shown('ca', 'DNS:b'),
  ],
  ['a sender for less than its subdomains', as({ includeSubdomains: true }), as({ includeSubdomains: false }), {}],
  [
    'a sender for its subdomains, too, which is new',
    as({ includeSubdomains: false }),
    as({ includeSubdomains: true }),
    {},
  ],
  [
    'local parts under a prefix',
    as({ localParts: ['Billing-*', 'info'] }),
    as({ localParts: ['billing-7', 'bill', 'sales'] }),
    as({ localParts: ['billing-7'] }),
  ],
  [
    'a prefix that has become a longer one',
    as({ localParts: ['b*'] }),
    as({ localParts: ['billing-*'] }),
    as({ localParts: ['billing-*'] }),
  ],
  [
    'addresses in other letters',
    { addresses: ['A@corp.t', 'b@corp.t'] },
    { addresses: ['a@corp.t', 'c@corp.t'] },
    { addresses: ['A@corp.t', 'a@corp.t'] },
  ],
  ['addresses where it had all', {}, { addresses: ['a@corp.t'] }, { addresses: ['a@corp.t'] }],
  ['all addresses where it had some', { addresses: ['a@corp.t'] }, {}, { addresses: ['a@corp.t'] }],
  [
    'a part of its network',
    { networks: ['192.0.2.0/24'] },
    { networks: ['192.0.2.0/25', '10.0.0.0/8'] },
    { networks: ['192.0.2.0/25'] },
  ],
  ['a wider network', { networks: ['192.0.2.0/25'] }, { networks: ['192.0.2.0/24'] }, { networks: ['192.0.2.0/25'] }],
  [
    'fewer domains to send to',
    { recipientDomains: ['a.t', 'b.t'] },
    { recipientDomains: ['b.t', 'c.t'] },
    { recipientDomains: ['b.t'] },
  ],
  ['a day that ends earlier', { expiresAt: 2000 }, { expiresAt: 1000 }, { expiresAt: 1000 }],
  ['a day that ends later', { expiresAt: 1000 }, { expiresAt: 2000 }, { expiresAt: 1000 }],
  ['an end', {}, { expiresAt: 1000 }, { expiresAt: 1000 }],
  ['no end any more', { expiresAt: 1000 }, {}, { expiresAt: 1000 }],
  ['a suspension', { suspended: false }, { suspended: true }, { suspended: true }],
  ['a suspension that has ended', { suspended: true }, { suspended: false }, { suspended: true }],
  ['a lower daily limit', daily(9, 50), daily(5), daily(5)],
  ['a higher daily limit', daily(5, 50), daily(9), daily(5)],
  ['a first limit', {}, daily(5), daily(5)],
  ['no limit any more', daily(5), {}, daily(5)],
  ['a daily limit where it had a rate', per(10, 1000), daily(5), { limits: { daily: 5, ...per(10, 1000).limits } }],
  ['a slower rate', per(10, 1000), per(100, 60_000), per(100, 60_000)],
  ['a faster rate', per(100, 60_000), per(10, 1000), per(100, 60_000)],
  ['the same rate, and fewer at once', per(100, 10_000), per(10, 1000), per(10, 1000)],
  ['the same rate, and more at once', per(10, 1000), per(100, 10_000), per(10, 1000)],
])('%s', (_name, before, now, left) => {
  expect(heldEntry(credential(before), credential({ ...now, username: 'team.renamed' }))).toEqual(
    credential({ ...left, username: 'team.renamed' }),
  )
})

test.each<readonly [string, Some, Some]>([
  ['log in by: another account', tokens('shop/web'), tokens('shop/job')],
  ['log in by: tokens instead of a password', { keys: [key('k1')] }, { keys: [key('k1')], ...tokens('shop/web') }],
  ['log in by: another name of a certificate', shown('ca', 'DNS:a'), shown('ca', 'DNS:b')],
  ['log in by: the same name, by another authority', shown('ca', 'DNS:a'), shown('other-ca', 'DNS:a')],
  ['log in by: a certificate instead of a password', { keys: [key('k1')] }, shown('ca', 'DNS:a')],
  ['send as: another domain', as({ domain: 'corp.t' }), as({ domain: 'other.t' })],
  ['send as: the same domain, of another object', as({ senderDomain: 'mail/corp' }), as({ senderDomain: 'shop/corp' })],
  ['send as: other local parts', as({ localParts: ['a'] }), as({ localParts: ['b'] })],
  ['send as: other addresses', { addresses: ['a@corp.t'] }, { addresses: ['b@corp.t'] }],
  ['come from: another network', { networks: ['192.0.2.0/24'] }, { networks: ['198.51.100.0/24'] }],
  ['send to: other domains', { recipientDomains: ['a.t'] }, { recipientDomains: ['b.t'] }],
])('a credential has nothing left where nothing is that it could %s', (_name, before, now) => {
  expect(heldEntry(credential(before), credential(now))).toBeUndefined()
})
