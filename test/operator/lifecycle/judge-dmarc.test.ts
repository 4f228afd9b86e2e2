/** DMARC records are found, and their policy and reports judged, by RFC 9989, and by RFC 7489 for tags that it dropped. */
import { expect, test } from 'vitest'
import type { DmarcPolicy } from '../../../operator/lifecycle/dmarc-record.ts'
import { judgeDmarc } from '../../../operator/lifecycle/judge-dmarc.ts'
import { lookupIn, unknown, type Zone } from './zone.ts'

const judged = (zone: Zone, minimumPolicy: DmarcPolicy = 'none', reports?: string, domain = 'mail.example.org') =>
  judgeDmarc(
    { purpose: 'DMARC', name: `_dmarc.${domain}`, type: 'TXT', domain, minimumPolicy, ...(reports && { reports }) },
    lookupIn(zone),
  )

const own = (...records: string[]): Zone => ({ 'TXT _dmarc.mail.example.org': records })
const parent = (...records: string[]): Zone => ({ 'TXT _dmarc.example.org': records })

test.each<[string, Zone, DmarcPolicy, string]>([
  ['a domain without a record is Missing', {}, 'none', 'Missing'],
  ['TXT records that are no DMARC record are Missing', own('v=DMARC2; p=none', 'hello'), 'none', 'Missing'],
  ['a record of the domain matches', own('v=DMARC1; p=none'), 'none', 'Match'],
  ['a record with spaces matches', own('v = DMARC1 ; p = Reject ;'), 'reject', 'Match'],
  ['a record beside another TXT record matches', own('hello', 'v=DMARC1;p=none'), 'none', 'Match'],
  ['two records are a Duplicate', own('v=DMARC1; p=none', 'v=DMARC1; p=none'), 'none', 'Duplicate'],
  ['a policy weaker than wanted is a Mismatch', own('v=DMARC1; p=none'), 'quarantine', 'Mismatch'],
  ['a policy stronger than wanted matches', own('v=DMARC1; p=reject'), 'quarantine', 'Match'],
  ['a policy with t=y counts as one step weaker', own('v=DMARC1; p=reject; t=y'), 'reject', 'Mismatch'],
  ['a policy with pct=50 counts as one step weaker', own('v=DMARC1; p=quarantine; pct=50'), 'quarantine', 'Mismatch'],
  ['a policy with t=y matches where one step weaker is enough', own('v=DMARC1; p=reject; t=y'), 'quarantine', 'Match'],
  ['a policy with pct=100 matches', own('v=DMARC1; p=reject; pct=100'), 'reject', 'Match'],
  ['a record without a policy is a Mismatch', own('v=DMARC1; rua=mailto:a@example.org'), 'none', 'Mismatch'],
  ['an unknown policy is a Mismatch', own('v=DMARC1; p=refuse'), 'none', 'Mismatch'],
  ['a record that is no tag list is a Mismatch', own('v=DMARC1; p'), 'none', 'Mismatch'],
  ['a percentage above 100 is a Mismatch', own('v=DMARC1; p=none; pct=120'), 'none', 'Mismatch'],
  ['a report address that is no URI is a Mismatch', own('v=DMARC1; p=none; rua=nobody'), 'none', 'Mismatch'],
  ['the record of the organisational domain matches', parent('v=DMARC1; p=reject'), 'reject', 'Match'],
  [
    'the policy of the organisational domain for subdomains counts',
    parent('v=DMARC1; p=reject; sp=none'),
    'quarantine',
    'Mismatch',
  ],
  [
    'a stronger policy of the organisational domain for subdomains counts',
    parent('v=DMARC1; p=none; sp=reject'),
    'reject',
    'Match',
  ],
  [
    'the record of the domain counts before that of the organisational domain',
    { ...own('v=DMARC1; p=none; sp=reject'), ...parent('v=DMARC1; p=reject') },
    'reject',
    'Mismatch',
  ],
  [
    'a domain whose record is not answered is Unknown',
    { 'TXT _dmarc.mail.example.org': unknown('SERVFAIL'), ...parent('v=DMARC1; p=reject') },
    'none',
    'Unknown',
  ],
  [
    'a domain whose organisational domain is not answered is Unknown',
    { 'TXT _dmarc.example.org': unknown('SERVFAIL') },
    'none',
    'Unknown',
  ],
])('%s', (_name, zone, minimum, state) => {
  expect(judged(zone, minimum)).toMatchObject({ is: 'verdict', state })
})

test.each<[string, string, string]>([
  ['to the wanted address match', 'v=DMARC1; p=none; rua=mailto:d@example.org', 'Match'],
  [
    'to the wanted address among others, with a size, match',
    'v=DMARC1; p=none; rua=mailto:x@example.net, MAILTO:D@example.org!10m',
    'Match',
  ],
  ['to another address only are a Mismatch', 'v=DMARC1; p=none; rua=mailto:x@example.net', 'Mismatch'],
  ['to no address are a Mismatch', 'v=DMARC1; p=none', 'Mismatch'],
])('reports %s', (_name, record, state) => {
  expect(judged(own(record), 'none', 'mailto:d@example.org')).toMatchObject({ state })
})

test('the wanted record has the policy and the report address', () => {
  expect(judged({}, 'quarantine', 'mailto:d@example.org')).toMatchObject({
    want: 'v=DMARC1; p=quarantine; rua=mailto:d@example.org',
  })
})

test('a subdomain of a private suffix such as github.io does not get the policy of the suffix', () => {
  const zone = { 'TXT _dmarc.github.io': ['v=DMARC1; p=reject'] }
  expect(judged(zone, 'none', undefined, 'someone.github.io')).toMatchObject({ state: 'Missing' })
})
