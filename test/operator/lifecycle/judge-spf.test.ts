/** SPF records are judged by all that they refer to, within the limits of RFC 7208 section 4.6.4. */
import { expect, test } from 'vitest'
import type { Question } from '../../../operator/lifecycle/answer.ts'
import { judgeSpf } from '../../../operator/lifecycle/judge-spf.ts'
import { networkOf } from '../../../operator/lifecycle/spf-record.ts'
import { lookupIn, unknown, type Zone } from './zone.ts'

const judged = (zone: Zone, include: readonly string[] = [], addresses: readonly string[] = []) =>
  judgeSpf(
    {
      purpose: 'SPF',
      name: 'example.org',
      type: 'TXT',
      include,
      networks: addresses.flatMap((a) => networkOf(...(a.split('/') as [string, string?])) ?? []),
    },
    lookupIn(zone),
  )

const ses = { 'TXT ses.example': ['v=spf1 ip4:198.51.100.0/24 -all'] }
const at = (record: string, more: Zone = {}): Zone => ({ 'TXT example.org': [record], ...ses, ...more })
/** `n` names to include, each with an SPF record that has no terms. */
const includes = (n: number): Zone =>
  Object.fromEntries(Array.from({ length: n }, (_, i) => [`TXT i${i}.example`, ['v=spf1']]))
const naming = (n: number): string => Array.from({ length: n }, (_, i) => `include:i${i}.example`).join(' ')

test.each<[string, Zone, string]>([
  ['a domain without a TXT record is Missing', {}, 'Missing'],
  ['TXT records that are no SPF record are Missing', { 'TXT example.org': ['google-site=1', 'v=spf10'] }, 'Missing'],
  [
    'two records are a Duplicate',
    { 'TXT example.org': ['v=spf1 include:ses.example -all', 'v=spf1 -all'] },
    'Duplicate',
  ],
  ['a record with the include matches', at('v=spf1 include:ses.example -all'), 'Match'],
  ['a record with the include in capitals matches', at('v=spf1 INCLUDE:SES.example. -all'), 'Match'],
  [
    'a record without the include is a Mismatch',
    at('v=spf1 mx:example.org -all', { 'MX example.org': ['a.example'], 'A a.example': ['192.0.2.9'] }),
    'Mismatch',
  ],
  ['an include with a minus does not count', at('v=spf1 -include:ses.example ~all'), 'Mismatch'],
  ['an include after all does not count', at('v=spf1 -all include:ses.example'), 'Mismatch'],
  [
    'an include within another include counts',
    at('v=spf1 include:b.example -all', { 'TXT b.example': ['v=spf1 include:ses.example'] }),
    'Match',
  ],
  [
    'an include behind a redirect counts',
    at('v=spf1 redirect=b.example', { 'TXT b.example': ['v=spf1 include:ses.example -all'] }),
    'Match',
  ],
  ['a redirect beside all is ignored', at('v=spf1 include:ses.example ~all redirect=nowhere.example'), 'Match'],
  [
    'a redirect to a name without a record is a Mismatch',
    at('v=spf1 include:ses.example redirect=nowhere.example'),
    'Mismatch',
  ],
  [
    'an include of a name without a record is a Mismatch',
    at('v=spf1 include:ses.example include:nowhere.example -all'),
    'Mismatch',
  ],
  [
    'an include of a name with two records is a Mismatch',
    at('v=spf1 include:ses.example include:b.example', { 'TXT b.example': ['v=spf1', 'v=spf1'] }),
    'Mismatch',
  ],
  [
    'an error in an included record is a Mismatch',
    at('v=spf1 include:ses.example include:b.example', { 'TXT b.example': ['v=spf1 ip4:1'] }),
    'Mismatch',
  ],
  ['a record of ten look-ups matches', at(`v=spf1 include:ses.example ${naming(9)} -all`, includes(9)), 'Match'],
  [
    'a record of eleven look-ups is a Mismatch',
    at(`v=spf1 include:ses.example ${naming(10)} -all`, includes(10)),
    'Mismatch',
  ],
  ['addresses do not count as look-ups', at(`v=spf1 include:ses.example ${'ip4:192.0.2.1 '.repeat(20)}-all`), 'Match'],
  [
    'a record that includes itself is a Mismatch',
    at('v=spf1 include:ses.example include:example.org -all'),
    'Mismatch',
  ],
  [
    'a record with two look-ups that find nothing matches',
    at('v=spf1 include:ses.example a:n1.example a:n2.example -all'),
    'Match',
  ],
  [
    'a record with three look-ups that find nothing is a Mismatch',
    at('v=spf1 include:ses.example a:n1.example a:n2.example mx:n3.example -all'),
    'Mismatch',
  ],
  [
    'mx of a domain with eleven exchangers is a Mismatch',
    at('v=spf1 include:ses.example mx -all', {
      'MX example.org': Array.from({ length: 11 }, (_, i) => `m${i}.example`),
    }),
    'Mismatch',
  ],
  ['a look-up without an answer is Unknown', { 'TXT example.org': unknown('SERVFAIL') }, 'Unknown'],
  [
    'an included record without an answer is Unknown',
    at('v=spf1 include:ses.example include:b.example', { 'TXT b.example': unknown('SERVFAIL') }),
    'Unknown',
  ],
  [
    'an error is a Mismatch though another look-up has no answer',
    at('v=spf1 include:b.example include:c.example', { 'TXT b.example': unknown('SERVFAIL') }),
    'Mismatch',
  ],
  [
    'an include with macros, which only a message resolves, is ignored',
    at('v=spf1 include:%{d}.example include:ses.example -all'),
    'Match',
  ],
])('%s', (_name, zone, state) => {
  expect(judged(zone, ['ses.example'])).toMatchObject({ is: 'verdict', state })
})

const hosts: Zone = {
  'A mail.example': ['192.0.2.7'],
  'AAAA mail.example': ['2001:db8::7'],
  'MX example.org': ['mail.example'],
}

test.each<[string, string, string, string]>([
  ['an address within a network of the record', 'v=spf1 ip4:192.0.2.0/24 -all', '192.0.2.7', 'Match'],
  ['a network that is in the record', 'v=spf1 ip4:192.0.2.0/24 -all', '192.0.2.0/24', 'Match'],
  [
    'not a network that is larger than the one in the record',
    'v=spf1 ip4:192.0.2.0/25 -all',
    '192.0.2.0/24',
    'Mismatch',
  ],
  ['not an address outside the network of the record', 'v=spf1 ip4:192.0.3.0/24 -all', '192.0.2.7', 'Mismatch'],
  ['an IPv6 network within a larger one', 'v=spf1 ip6:2001:db8::/32 -all', '2001:db8:1::/48', 'Match'],
  ['not an IPv6 address by every IPv4 address', 'v=spf1 ip4:0.0.0.0/0 -all', '2001:db8::1', 'Mismatch'],
  ['the address of an exchanger, with mx', 'v=spf1 mx -all', '192.0.2.7', 'Match'],
  ['the IPv6 address of an exchanger, with mx', 'v=spf1 mx -all', '2001:db8::7', 'Match'],
  ['an address in the network of an exchanger, with mx/24', 'v=spf1 mx/24 -all', '192.0.2.99', 'Match'],
  ['the address of a name, with a:', 'v=spf1 a:mail.example -all', '192.0.2.7', 'Match'],
  ['an address of an included record', 'v=spf1 include:ses.example -all', '198.51.100.3', 'Match'],
  ['not an address that the included record fails', 'v=spf1 include:ses.example ~all', '192.0.2.7', 'Mismatch'],
  ['not an address that soft-fails before +all', 'v=spf1 ~ip4:192.0.2.7 +all', '192.0.2.7', 'Mismatch'],
  [
    'not a network from which an address is taken out before',
    'v=spf1 -ip4:192.0.2.7 ip4:192.0.2.0/24 -all',
    '192.0.2.0/24',
    'Mismatch',
  ],
  ['any address, with +all', 'v=spf1 +all', '192.0.2.7', 'Match'],
  ['an address of the record of a redirect', 'v=spf1 redirect=ses.example', '198.51.100.3', 'Match'],
])('the record covers: %s', (_name, record, address, state) => {
  expect(judged(at(record, hosts), [], [address])).toMatchObject({ state })
})

const onIpv4: Zone = {
  'MX example.org': ['mail.example'],
  ...Object.fromEntries(['mail', 'web', 'shop'].map((name) => [`A ${name}.example`, ['192.0.2.7']])),
}

test.each([
  ['behind three names without an AAAA record', 'v=spf1 mx a:web.example a:shop.example ip6:2001:db8::9 -all', false],
  ['behind two', 'v=spf1 mx a:web.example ip6:2001:db8::9 -all', true],
  ['before them', 'v=spf1 ip6:2001:db8::9 mx a:web.example a:shop.example -all', true],
  ['in an included record, behind one there and two before', 'v=spf1 mx a:web.example include:in.example -all', false],
  [
    'in the record of a redirect, behind one there and two before',
    'v=spf1 mx a:web.example redirect=in.example',
    false,
  ],
  ['behind an include that is given up', 'v=spf1 mx a:web.example include:no.example ip6:2001:db8::9 -all', false],
  ['behind one in an included record and one before', 'v=spf1 a:web.example include:in.example -all', true],
])('case N11: for who sends from IPv6, look-ups of IPv6 count: an address %s', (_name, record, isMatch) => {
  const inner = 'v=spf1 a:shop.example ip6:2001:db8::9 -all'
  const zone = at(record, { ...onIpv4, 'TXT in.example': [inner], 'TXT no.example': ['v=spf1 a:shop.example -all'] })
  const verdict = judged(zone, [], ['2001:db8::9'])
  expect(verdict).toMatchObject({ state: isMatch ? 'Match' : 'Mismatch' })
  if (!isMatch) expect(verdict).toMatchObject({ why: expect.stringContaining('find no AAAA record') })
  expect(judged(zone, [], ['192.0.2.7'])).toMatchObject({ state: 'Match' })
})

test('an address that receivers give up to find stands first in the wanted record, and once', () => {
  const record = 'v=spf1 mx a:web.example a:shop.example ip6:2001:db8::9 -all'
  const want = 'v=spf1 ip6:2001:db8::9 mx a:web.example a:shop.example -all'
  expect(judged(at(record, onIpv4), [], ['2001:db8::9'])).toMatchObject({ want })
  expect(judged(at(want, onIpv4), [], ['2001:db8::9'])).toMatchObject({ state: 'Match' })
})

test.each([
  ['there is none yet', {}, 'v=spf1 include:ses.example ip4:192.0.2.0/24 ~all'],
  [
    'there is one without either term',
    at('v=spf1 ip4:203.0.113.1 -all'),
    'v=spf1 include:ses.example ip4:192.0.2.0/24 ip4:203.0.113.1 -all',
  ],
  [
    'there is one with the include only',
    at('v=spf1 include:ses.example -all'),
    'v=spf1 ip4:192.0.2.0/24 include:ses.example -all',
  ],
] as const)('the wanted record keeps the terms of the present one, where %s', (_name, zone, want) => {
  expect(judged(zone, ['ses.example'], ['192.0.2.0/24'])).toMatchObject({ want })
})

test.each([
  ['long records', `v=spf1 include:ses.example ${'ip4:192.0.2.1 '.repeat(32)}-all`, 'keep it below 450'],
  ['+all', 'v=spf1 include:ses.example +all', 'everybody'],
  ['?all', 'v=spf1 include:ses.example ?all', '~all or -all'],
  ['ptr', 'v=spf1 include:ses.example ptr -all', 'ptr'],
  ['look-ups for nothing', 'v=spf1 include:ses.example a:nothing.example -all', 'find nothing'],
])('a record with %s matches, with a note', (_name, record, note) => {
  const verdict = judged(at(record), ['ses.example'])
  expect(verdict).toMatchObject({ state: 'Match', notes: [expect.stringContaining(note)] })
})

test('two hundred SPF records are a Duplicate, of which the first ones are shown', () => {
  const many = Array.from({ length: 200 }, (_, i) => `v=spf1 ip4:192.0.2.${i} -all`)
  const verdict = judged({ 'TXT example.org': many })
  expect(verdict).toMatchObject({ state: 'Duplicate', got: expect.stringMatching(/and 197 more$/) })
})

test('the look-ups of a record are asked for together as far as they are known', () => {
  const asked: Question[][] = []
  const zone = at('v=spf1 include:ses.example a:mail.example mx -all', hosts)
  const known = new Set<string>()
  for (let round = 0; round < 10; round++) {
    const verdict = judgeSpf({ purpose: 'SPF', name: 'example.org', type: 'TXT', include: [], networks: [] }, (q) =>
      known.has(`${q.type} ${q.name}`) ? lookupIn(zone)(q) : undefined,
    )
    if (verdict.is === 'verdict') break
    asked.push([...verdict.questions])
    for (const q of verdict.questions) known.add(`${q.type} ${q.name}`)
  }
  expect(asked.map((round) => round.map((q) => `${q.type} ${q.name}`))).toEqual([
    ['TXT example.org'],
    ['TXT ses.example', 'A mail.example', 'AAAA mail.example', 'MX example.org'],
  ])
})
