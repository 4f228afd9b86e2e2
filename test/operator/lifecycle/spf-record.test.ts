/** SPF records are parsed by the grammar of RFC 7208 sections 4.6.1, 5, 6 and 7.1, and an error names its term. */
import { expect, test } from 'vitest'
import { isSpf, parseSpfRecord } from '../../../operator/lifecycle/spf-record.ts'

test.each([
  ['v=spf1', true],
  ['v=spf1 -all', true],
  ['V=SPF1 -all', true], //  RFC 5234: strings of an ABNF have no case
  ['v=spf10', false], //     section 4.5
  ['v=spf1\t-all', false],
  [' v=spf1 -all', false],
  ['v=spf2.0/pra -all', false],
  ['spf1 -all', false],
])('%j is an SPF record: %s', (text, is) => {
  expect(isSpf(text)).toBe(is)
})

test.each([
  'v=spf1',
  'v=spf1 -all',
  'v=spf1  a   mx  ~all ',
  'v=spf1 a:mail.example.org/24 a/24//64 a//64 mx:example.org//128 ?all',
  'v=spf1 ip4:192.0.2.0/24 ip4:192.0.2.1 ip6:2001:db8::/32 ip6:::1 -all',
  'v=spf1 include:_spf.example.org. +include:b.example -all',
  'v=spf1 exists:%{ir}.%{l1r+-}._spf.%{d} -all',
  'v=spf1 redirect=_spf.example.org',
  'v=spf1 ptr ptr:example.org exp=explain._spf.%{d} -all',
  'v=spf1 unknown=anything -all', // section 6: an unknown modifier is ignored
  'v=spf1 ALL',
  'v=spf1 a:host.1a a:host.a1 a:host.1-1 include:192.0.2.%{d} -all',
])('%j is well-formed', (text) => {
  expect(parseSpfRecord(text)).toMatchObject({ ok: true })
})

test.each([
  ['v=spf1 -all -all,', '"-all,"'],
  ['v=spf1 al', '"al"'],
  ['v=spf1 constructor -all', '"constructor"'],
  ['v=spf1 -constructor:example.org', '"-constructor:example.org"'],
  ['v=spf1 all:example.org', '"all:example.org"'],
  ['v=spf1 include', '"include"'],
  ['v=spf1 include:', '"include:"'],
  ['v=spf1 include:org', '"include:org"'], //  section 7.1: a domain ends in a dot and a label
  ['v=spf1 include:a..1-', '"include:a..1-"'],
  ['v=spf1 a:192.0.2.1', '"a:192.0.2.1"'], //  … and that label has a letter or a hyphen: an address is no domain
  ['v=spf1 a:192.0.2.1.', '"a:192.0.2.1."'],
  ['v=spf1 a:192.0.2.1/24', '"a:192.0.2.1/24"'],
  ['v=spf1 mx:192.0.2.1', '"mx:192.0.2.1"'],
  ['v=spf1 include:192.0.2.1', '"include:192.0.2.1"'],
  ['v=spf1 ptr:192.0.2.1', '"ptr:192.0.2.1"'],
  ['v=spf1 redirect=192.0.2.1', 'redirect="192.0.2.1"'],
  ['v=spf1 ip4:192.0.2.256', '"ip4:192.0.2.256"'],
  ['v=spf1 ip4:192.0.2.1/33', '"ip4:192.0.2.1/33"'],
  ['v=spf1 ip4:192.0.2.1/024', '"ip4:192.0.2.1/024"'],
  ['v=spf1 ip4:2001:db8::1', '"ip4:2001:db8::1"'],
  ['v=spf1 ip6:192.0.2.1', '"ip6:192.0.2.1"'],
  ['v=spf1 ip6:2001:db8::/129', '"ip6:2001:db8::/129"'],
  ['v=spf1 a/33', '"a/33"'],
  ['v=spf1 a//129', '"a//129"'],
  ['v=spf1 a/24/64', '"a/24/64"'],
  ['v=spf1 exists:%{x}.example.org', '"exists:%{x}.example.org"'],
  ['v=spf1 exists:%a.example.org', '"exists:%a.example.org"'],
  ['v=spf1 =example', '"=example"'],
  ['v=spf1 --all', '"--all"'],
  ['v=spf1 ip4:192.0.2.1\u00a0-all', '"ip4:192.0.2.1?-all"'],
  ['v=spf1 redirect=a.example redirect=b.example', 'redirect= is there twice'], // section 6
  ['v=spf1 exp=a.example exp=a.example', 'exp= is there twice'],
  ['v=spf1 redirect=', 'redirect=""'],
  [`v=spf1 include:${'a'.repeat(64)}.example`, '"include:aaa'],
])('%j is an error that names %s', (text, why) => {
  const record = parseSpfRecord(text)
  expect(record).toMatchObject({ ok: false })
  expect((record as { why: string }).why).toContain(why)
})
