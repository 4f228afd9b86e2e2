/** DKIM key records are judged by RFC 6376 sections 3.2 and 3.6.1 and RFC 8463, and aliases by their target. */
import { expect, test } from 'vitest'
import { judgeAlias, judgeKey } from '../../../operator/lifecycle/judge-dkim.ts'
import { lookupIn, unknown, type Zone } from './zone.ts'

const name = 's1._domainkey.example.org'
const key = { type: 'rsa', publicKey: 'MIIBIjANBgkq' } as const
const at = (...records: string[]): Zone => ({ [`TXT ${name}`]: records })

test.each<[string, Zone, string, RegExp]>([
  ['a record as we write it matches', at('v=DKIM1; k=rsa; p=MIIBIjANBgkq'), 'Match', /^$/],
  ['a record without k= is one of rsa', at('v=DKIM1; p=MIIBIjANBgkq'), 'Match', /^$/],
  ['a record without a version matches', at('p=MIIBIjANBgkq'), 'Match', /^$/],
  ['a record with spaces in the key matches', at('v=DKIM1;k=rsa;p=MIIB IjAN\tBgkq ; '), 'Match', /^$/],
  [
    'a record with every other tag that is allowed matches',
    at('v=DKIM1; h=sha1:sha256; s=email; n=note; t=s; x=y; p=MIIBIjANBgkq;'),
    'Match',
    /^$/,
  ],
  ['a name without a record is Missing', {}, 'Missing', /there is no DKIM record/],
  ['a look-up without an answer is Unknown', { [`TXT ${name}`]: unknown('SERVFAIL') }, 'Unknown', /SERVFAIL/],
  ['a record of another key is a Mismatch', at('v=DKIM1; k=rsa; p=MIIBIjANBgkr'), 'Mismatch', /another key/],
  [
    'a record of another algorithm is a Mismatch',
    at('v=DKIM1; k=ed25519; p=MIIBIjANBgkq'),
    'Mismatch',
    /ed25519, not rsa/,
  ],
  ['a record of an unknown algorithm is a Mismatch', at('v=DKIM1; k=dsa; p=MIIBIjANBgkq'), 'Mismatch', /no known kind/],
  ['a revoked key is a Mismatch', at('v=DKIM1; k=rsa; p='), 'Mismatch', /revoked/],
  ['two records are a Duplicate', at('v=DKIM1; p=MIIBIjANBgkq', 'v=DKIM1; p=AAAA'), 'Duplicate', /2 records/],
  [
    'a second record of any form makes a Duplicate',
    at('v=DKIM1; p=MIIBIjANBgkq', 'google-site=1'),
    'Duplicate',
    /2 records/,
  ],
  ['a record of another version is a Mismatch', at('v=DKIM2; p=MIIBIjANBgkq'), 'Mismatch', /DKIM1/],
  [
    'a record whose version is not the first tag is a Mismatch',
    at('k=rsa; v=DKIM1; p=MIIBIjANBgkq'),
    'Mismatch',
    /the first tag/,
  ],
  ['a record without p= is a Mismatch', at('v=DKIM1; k=rsa'), 'Mismatch', /p= is missing/],
  ['a record whose key is no base64 is a Mismatch', at('v=DKIM1; p=MIIB*'), 'Mismatch', /base64/],
  ['a record that does not allow sha256 is a Mismatch', at('v=DKIM1; h=sha1; p=MIIBIjANBgkq'), 'Mismatch', /sha256/],
  [
    'a record for another service than mail is a Mismatch',
    at('v=DKIM1; s=tlsrpt; p=MIIBIjANBgkq'),
    'Mismatch',
    /email/,
  ],
  ['a record with a tag twice is a Mismatch', at('v=DKIM1; p=MIIBIjANBgkq; p=MIIBIjANBgkq'), 'Mismatch', /twice/],
  ['a record that is no tag list is a Mismatch', at('hello'), 'Mismatch', /no tag=value/],
  ['a record with a character that is not allowed is a Mismatch', at('v=DKIM1; p=MIIB\u00fc'), 'Mismatch', /character/],
])('%s', (_name, zone, state, why) => {
  const verdict = judgeKey({ purpose: 'DKIM', name, type: 'TXT', key }, lookupIn(zone))
  expect(verdict).toMatchObject({ state, why: expect.stringMatching(why), want: 'v=DKIM1; k=rsa; p=MIIBIjANBgkq' })
})

test('a record with t=y matches, with a note', () => {
  const verdict = judgeKey({ purpose: 'DKIM', name, type: 'TXT', key }, lookupIn(at('v=DKIM1; t=y; p=MIIBIjANBgkq')))
  expect(verdict).toMatchObject({ state: 'Match', notes: [expect.stringContaining('t=y')] })
})

test.each<[string, Zone, string]>([
  ['to the wanted target matches', { [`CNAME ${name}`]: ['S1.keys.example.net'] }, 'Match'],
  ['to another target is a Mismatch', { [`CNAME ${name}`]: ['s2.keys.example.net'] }, 'Mismatch'],
  ['that is no CNAME is Missing', at('v=DKIM1; p=AAAA'), 'Missing'],
  ['to two targets is a Duplicate', { [`CNAME ${name}`]: ['s1.keys.example.net', 's2.keys.example.net'] }, 'Duplicate'],
  ['without an answer is Unknown', { [`CNAME ${name}`]: unknown('no answer') }, 'Unknown'],
])('a delegated selector %s', (_name, zone, state) => {
  const wanted = { purpose: 'DKIM', name, type: 'CNAME', target: 's1.keys.example.net' } as const
  expect(judgeAlias(wanted, lookupIn(zone))).toMatchObject({ state })
})
