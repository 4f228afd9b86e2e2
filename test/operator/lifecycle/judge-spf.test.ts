/** SPF: what is there once everything that it names was looked up, within the limits of RFC 7208 section 4.6.4. */
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
/** `n` includes, each of which holds nothing. */
const includes = (n: number): Zone =>
  Object.fromEntries(Array.from({ length: n }, (_, i) => [`TXT i${i}.example`, ['v=spf1']]))
const naming = (n: number): string => Array.from({ length: n }, (_, i) => `include:i${i}.example`).join(' ')

test.each<[string, Zone, string]>([
  ['there is nothing', {}, 'Missing'],
  ['other TXT records are there', { 'TXT example.org': ['google-site=1', 'v=spf10'] }, 'Missing'],
  ['two records', { 'TXT example.org': ['v=spf1 include:ses.example -all', 'v=spf1 -all'] }, 'Duplicate'],
  ['the include is there', at('v=spf1 include:ses.example -all'), 'Match'],
  ['in capitals', at('v=spf1 INCLUDE:SES.example. -all'), 'Match'],
  [
    'not the include',
    at('v=spf1 mx:example.org -all', { 'MX example.org': ['a.example'], 'A a.example': ['192.0.2.9'] }),
    'Mismatch',
  ],
  ['an include that fails whom it knows', at('v=spf1 -include:ses.example ~all'), 'Mismatch'],
  ['behind all', at('v=spf1 -all include:ses.example'), 'Mismatch'],
  [
    'by an include of an include',
    at('v=spf1 include:b.example -all', { 'TXT b.example': ['v=spf1 include:ses.example'] }),
    'Match',
  ],
  ['by a redirect', at('v=spf1 redirect=b.example', { 'TXT b.example': ['v=spf1 include:ses.example -all'] }), 'Match'],
  ['a redirect beside all is passed over', at('v=spf1 include:ses.example ~all redirect=nowhere.example'), 'Match'],
  ['a redirect to nothing', at('v=spf1 include:ses.example redirect=nowhere.example'), 'Mismatch'],
  ['an include of nothing', at('v=spf1 include:ses.example include:nowhere.example -all'), 'Mismatch'],
  [
    'an include of two',
    at('v=spf1 include:ses.example include:b.example', { 'TXT b.example': ['v=spf1', 'v=spf1'] }),
    'Mismatch',
  ],
  [
    'an error in an include',
    at('v=spf1 include:ses.example include:b.example', { 'TXT b.example': ['v=spf1 ip4:1'] }),
    'Mismatch',
  ],
  ['ten look-ups', at(`v=spf1 include:ses.example ${naming(9)} -all`, includes(9)), 'Match'],
  ['eleven look-ups', at(`v=spf1 include:ses.example ${naming(10)} -all`, includes(10)), 'Mismatch'],
  ['addresses cost no look-up', at(`v=spf1 include:ses.example ${'ip4:192.0.2.1 '.repeat(20)}-all`), 'Match'],
  ['an include of itself', at('v=spf1 include:ses.example include:example.org -all'), 'Mismatch'],
  ['two look-ups that find nothing', at('v=spf1 include:ses.example a:n1.example a:n2.example -all'), 'Match'],
  [
    'three look-ups that find nothing',
    at('v=spf1 include:ses.example a:n1.example a:n2.example mx:n3.example -all'),
    'Mismatch',
  ],
  [
    'eleven exchangers',
    at('v=spf1 include:ses.example mx -all', {
      'MX example.org': Array.from({ length: 11 }, (_, i) => `m${i}.example`),
    }),
    'Mismatch',
  ],
  ['nobody knows', { 'TXT example.org': unknown('SERVFAIL') }, 'Unknown'],
  [
    'nobody knows an include',
    at('v=spf1 include:ses.example include:b.example', { 'TXT b.example': unknown('SERVFAIL') }),
    'Unknown',
  ],
  [
    'an error is known, whatever else is not',
    at('v=spf1 include:b.example include:c.example', { 'TXT b.example': unknown('SERVFAIL') }),
    'Mismatch',
  ],
  ['macros are judged with a message only', at('v=spf1 include:%{d}.example include:ses.example -all'), 'Match'],
])('%s', (_name, zone, state) => {
  expect(judged(zone, ['ses.example'])).toMatchObject({ is: 'verdict', state })
})

const hosts: Zone = {
  'A mail.example': ['192.0.2.7'],
  'AAAA mail.example': ['2001:db8::7'],
  'MX example.org': ['mail.example'],
}

test.each<[string, string, string, string]>([
  ['by its network', 'v=spf1 ip4:192.0.2.0/24 -all', '192.0.2.7', 'Match'],
  ['a whole network by its own', 'v=spf1 ip4:192.0.2.0/24 -all', '192.0.2.0/24', 'Match'],
  ['a network that is larger', 'v=spf1 ip4:192.0.2.0/25 -all', '192.0.2.0/24', 'Mismatch'],
  ['by another', 'v=spf1 ip4:192.0.3.0/24 -all', '192.0.2.7', 'Mismatch'],
  ['IPv6', 'v=spf1 ip6:2001:db8::/32 -all', '2001:db8:1::/48', 'Match'],
  ['not IPv6 by IPv4', 'v=spf1 ip4:0.0.0.0/0 -all', '2001:db8::1', 'Mismatch'],
  ['by its exchanger', 'v=spf1 mx -all', '192.0.2.7', 'Match'],
  ['by its exchanger in IPv6', 'v=spf1 mx -all', '2001:db8::7', 'Match'],
  ['beside its exchanger', 'v=spf1 mx/24 -all', '192.0.2.99', 'Match'],
  ['by a name', 'v=spf1 a:mail.example -all', '192.0.2.7', 'Match'],
  ['by an include', 'v=spf1 include:ses.example -all', '198.51.100.3', 'Match'],
  ['what an include fails does not match', 'v=spf1 include:ses.example ~all', '192.0.2.7', 'Mismatch'],
  ['a soft failure is no pass', 'v=spf1 ~ip4:192.0.2.7 +all', '192.0.2.7', 'Mismatch'],
  ['a part that is taken out first', 'v=spf1 -ip4:192.0.2.7 ip4:192.0.2.0/24 -all', '192.0.2.0/24', 'Mismatch'],
  ['by +all', 'v=spf1 +all', '192.0.2.7', 'Match'],
  ['by a redirect', 'v=spf1 redirect=ses.example', '198.51.100.3', 'Match'],
])('our address is covered: %s', (_name, record, address, state) => {
  expect(judged(at(record, hosts), [], [address])).toMatchObject({ state })
})

test.each([
  ['nothing is there', {}, 'v=spf1 include:ses.example ip4:192.0.2.0/24 ~all'],
  [
    'something is there',
    at('v=spf1 ip4:203.0.113.1 -all'),
    'v=spf1 include:ses.example ip4:192.0.2.0/24 ip4:203.0.113.1 -all',
  ],
  ['half is there', at('v=spf1 include:ses.example -all'), 'v=spf1 ip4:192.0.2.0/24 include:ses.example -all'],
] as const)('the whole record that is wanted where %s', (_name, zone, want) => {
  expect(judged(zone, ['ses.example'], ['192.0.2.0/24'])).toMatchObject({ want })
})

test.each([
  ['long records', `v=spf1 include:ses.example ${'ip4:192.0.2.1 '.repeat(32)}-all`, 'keep it below 450'],
  ['+all', 'v=spf1 include:ses.example +all', 'everybody'],
  ['?all', 'v=spf1 include:ses.example ?all', '~all or -all'],
  ['ptr', 'v=spf1 include:ses.example ptr -all', 'ptr'],
  ['look-ups for nothing', 'v=spf1 include:ses.example a:nothing.example -all', 'find nothing'],
])('%s are noted', (_name, record, note) => {
  const verdict = judged(at(record), ['ses.example'])
  expect(verdict).toMatchObject({ state: 'Match', notes: [expect.stringContaining(note)] })
})

test('two hundred TXT records are shown as what they are, and not all of them', () => {
  const many = Array.from({ length: 200 }, (_, i) => `v=spf1 ip4:192.0.2.${i} -all`)
  const verdict = judged({ 'TXT example.org': many })
  expect(verdict).toMatchObject({ state: 'Duplicate', got: expect.stringMatching(/and 197 more$/) })
})

test('it asks for what it needs, and asks together what it can', () => {
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
