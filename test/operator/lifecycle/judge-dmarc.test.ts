/** DMARC: discovery, the strength of a policy, and reports (RFC 9989; RFC 7489 for what is still about). */
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
  ['nothing', {}, 'none', 'Missing'],
  ['no DMARC record', own('v=DMARC2; p=none', 'hello'), 'none', 'Missing'],
  ['its own', own('v=DMARC1; p=none'), 'none', 'Match'],
  ['with spaces', own('v = DMARC1 ; p = Reject ;'), 'reject', 'Match'],
  ['beside another TXT record', own('hello', 'v=DMARC1;p=none'), 'none', 'Match'],
  ['two of them', own('v=DMARC1; p=none', 'v=DMARC1; p=none'), 'none', 'Duplicate'],
  ['weaker than wanted', own('v=DMARC1; p=none'), 'quarantine', 'Mismatch'],
  ['stronger than wanted', own('v=DMARC1; p=reject'), 'quarantine', 'Match'],
  ['a test only is a step weaker', own('v=DMARC1; p=reject; t=y'), 'reject', 'Mismatch'],
  ['a part only is a step weaker', own('v=DMARC1; p=quarantine; pct=50'), 'quarantine', 'Mismatch'],
  ['a step weaker is enough', own('v=DMARC1; p=reject; t=y'), 'quarantine', 'Match'],
  ['all of it', own('v=DMARC1; p=reject; pct=100'), 'reject', 'Match'],
  ['no policy', own('v=DMARC1; rua=mailto:a@example.org'), 'none', 'Mismatch'],
  ['no known policy', own('v=DMARC1; p=refuse'), 'none', 'Mismatch'],
  ['no tag list', own('v=DMARC1; p'), 'none', 'Mismatch'],
  ['a bad percentage', own('v=DMARC1; p=none; pct=120'), 'none', 'Mismatch'],
  ['a bad report address', own('v=DMARC1; p=none; rua=nobody'), 'none', 'Mismatch'],
  ["the organisation's", parent('v=DMARC1; p=reject'), 'reject', 'Match'],
  ["the organisation's for subdomains", parent('v=DMARC1; p=reject; sp=none'), 'quarantine', 'Mismatch'],
  ["the organisation's, stronger for subdomains", parent('v=DMARC1; p=none; sp=reject'), 'reject', 'Match'],
  [
    'its own before the organisation’s',
    { ...own('v=DMARC1; p=none; sp=reject'), ...parent('v=DMARC1; p=reject') },
    'reject',
    'Mismatch',
  ],
  [
    'nobody knows its own',
    { 'TXT _dmarc.mail.example.org': unknown('SERVFAIL'), ...parent('v=DMARC1; p=reject') },
    'none',
    'Unknown',
  ],
  ['nobody knows the organisation’s', { 'TXT _dmarc.example.org': unknown('SERVFAIL') }, 'none', 'Unknown'],
])('%s', (_name, zone, minimum, state) => {
  expect(judged(zone, minimum)).toMatchObject({ is: 'verdict', state })
})

test.each<[string, string, string]>([
  ['to us', 'v=DMARC1; p=none; rua=mailto:d@example.org', 'Match'],
  ['to us among others, up to a size', 'v=DMARC1; p=none; rua=mailto:x@example.net, MAILTO:D@example.org!10m', 'Match'],
  ['to others', 'v=DMARC1; p=none; rua=mailto:x@example.net', 'Mismatch'],
  ['to nobody', 'v=DMARC1; p=none', 'Mismatch'],
])('reports go %s', (_name, record, state) => {
  expect(judged(own(record), 'none', 'mailto:d@example.org')).toMatchObject({ state })
})

test('the whole record that is wanted', () => {
  expect(judged({}, 'quarantine', 'mailto:d@example.org')).toMatchObject({
    want: 'v=DMARC1; p=quarantine; rua=mailto:d@example.org',
  })
})

test('subdomains of a private suffix belong to different people', () => {
  const zone = { 'TXT _dmarc.github.io': ['v=DMARC1; p=reject'] }
  expect(judged(zone, 'none', undefined, 'someone.github.io')).toMatchObject({ state: 'Missing' })
})
