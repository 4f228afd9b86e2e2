/** DKIM key records: RFC 6376 sections 3.2 and 3.6.1, RFC 8463. */
import { expect, test } from 'vitest'
import { judgeAlias, judgeKey } from '../../../operator/lifecycle/judge-dkim.ts'
import { lookupIn, unknown, type Zone } from './zone.ts'

const name = 's1._domainkey.example.org'
const key = { type: 'rsa', publicKey: 'MIIBIjANBgkq' } as const
const at = (...records: string[]): Zone => ({ [`TXT ${name}`]: records })

test.each<[string, Zone, string, RegExp]>([
  ['as we write it', at('v=DKIM1; k=rsa; p=MIIBIjANBgkq'), 'Match', /^$/],
  ['rsa is the ordinary kind', at('v=DKIM1; p=MIIBIjANBgkq'), 'Match', /^$/],
  ['without a version', at('p=MIIBIjANBgkq'), 'Match', /^$/],
  ['with spaces in the key', at('v=DKIM1;k=rsa;p=MIIB IjAN\tBgkq ; '), 'Match', /^$/],
  [
    'with what is allowed beside it',
    at('v=DKIM1; h=sha1:sha256; s=email; n=note; t=s; x=y; p=MIIBIjANBgkq;'),
    'Match',
    /^$/,
  ],
  ['nothing', {}, 'Missing', /there is no DKIM record/],
  ['nobody knows', { [`TXT ${name}`]: unknown('SERVFAIL') }, 'Unknown', /SERVFAIL/],
  ['another key', at('v=DKIM1; k=rsa; p=MIIBIjANBgkr'), 'Mismatch', /another key/],
  ['another kind', at('v=DKIM1; k=ed25519; p=MIIBIjANBgkq'), 'Mismatch', /ed25519, not rsa/],
  ['no known kind', at('v=DKIM1; k=dsa; p=MIIBIjANBgkq'), 'Mismatch', /no known kind/],
  ['revoked', at('v=DKIM1; k=rsa; p='), 'Mismatch', /revoked/],
  ['two records', at('v=DKIM1; p=MIIBIjANBgkq', 'v=DKIM1; p=AAAA'), 'Duplicate', /2 records/],
  ['any second record counts', at('v=DKIM1; p=MIIBIjANBgkq', 'google-site=1'), 'Duplicate', /2 records/],
  ['another version', at('v=DKIM2; p=MIIBIjANBgkq'), 'Mismatch', /DKIM1/],
  ['the version not first', at('k=rsa; v=DKIM1; p=MIIBIjANBgkq'), 'Mismatch', /the first tag/],
  ['no key', at('v=DKIM1; k=rsa'), 'Mismatch', /p= is missing/],
  ['a key that is no base64', at('v=DKIM1; p=MIIB*'), 'Mismatch', /base64/],
  ['without sha256', at('v=DKIM1; h=sha1; p=MIIBIjANBgkq'), 'Mismatch', /sha256/],
  ['not for mail', at('v=DKIM1; s=tlsrpt; p=MIIBIjANBgkq'), 'Mismatch', /email/],
  ['a tag twice', at('v=DKIM1; p=MIIBIjANBgkq; p=MIIBIjANBgkq'), 'Mismatch', /twice/],
  ['no tag list', at('hello'), 'Mismatch', /no tag=value/],
  ['a character that may not be there', at('v=DKIM1; p=MIIB\u00fc'), 'Mismatch', /character/],
])('%s', (_name, zone, state, why) => {
  const verdict = judgeKey({ purpose: 'DKIM', name, type: 'TXT', key }, lookupIn(zone))
  expect(verdict).toMatchObject({ state, why: expect.stringMatching(why), want: 'v=DKIM1; k=rsa; p=MIIBIjANBgkq' })
})

test('a test key is noted', () => {
  const verdict = judgeKey({ purpose: 'DKIM', name, type: 'TXT', key }, lookupIn(at('v=DKIM1; t=y; p=MIIBIjANBgkq')))
  expect(verdict).toMatchObject({ state: 'Match', notes: [expect.stringContaining('t=y')] })
})

test.each<[string, Zone, string]>([
  ['as wanted', { [`CNAME ${name}`]: ['S1.keys.example.net'] }, 'Match'],
  ['elsewhere', { [`CNAME ${name}`]: ['s2.keys.example.net'] }, 'Mismatch'],
  ['nowhere', at('v=DKIM1; p=AAAA'), 'Missing'],
  ['to two', { [`CNAME ${name}`]: ['s1.keys.example.net', 's2.keys.example.net'] }, 'Duplicate'],
  ['nobody knows', { [`CNAME ${name}`]: unknown('no answer') }, 'Unknown'],
])('a delegated selector leads %s', (_name, zone, state) => {
  const wanted = { purpose: 'DKIM', name, type: 'CNAME', target: 's1.keys.example.net' } as const
  expect(judgeAlias(wanted, lookupIn(zone))).toMatchObject({ state })
})
