/** Records that are wanted are compared with what several servers show over time, and conditions tell the result. */
import { expect, test } from 'vitest'
import type { View } from '../../../operator/lifecycle/answer.ts'
import { type DomainRecords, domainRecords } from '../../../operator/lifecycle/domain-records.ts'
import {
  actsFrom,
  holdingBack,
  recordConditions,
  type WhenBroken,
} from '../../../operator/lifecycle/record-conditions.ts'
import { scoreOf } from '../../../operator/lifecycle/record-score.ts'
import { recordsWanted, type Wanted } from '../../../operator/lifecycle/records-wanted.ts'
import { own, ownOf, resolver, unknown, type Zone } from './zone.ts'

const hour = 3_600_000
const day = 24 * hour
const now = Date.parse('2026-01-05T10:00:00Z')
const warn: WhenBroken = { action: 'Warn', graceMs: day }

const wanted = recordsWanted(
  'example.org',
  { spf: { include: ['ses.example'], addresses: [] }, dmarc: { minimumPolicy: 'none' } },
  [{ selector: 's1', type: 'ed25519', publicKey: 'AAAA' }],
)
const good: Zone = {
  'TXT example.org': ['v=spf1 include:ses.example -all'],
  'TXT ses.example': ['v=spf1 ip4:192.0.2.1 -all'],
  'TXT s1._domainkey.example.org': ['v=DKIM1; k=ed25519; p=AAAA'],
  'TXT _dmarc.example.org': ['v=DMARC1; p=none'],
}
const noKey: Zone = { ...good, 'TXT s1._domainkey.example.org': { is: 'absent' } }
const otherKey: Zone = { ...good, 'TXT s1._domainkey.example.org': ['v=DKIM1; k=ed25519; p=BBBB'] }
const silent: Zone = {
  'TXT example.org': unknown('no answer'),
  'TXT s1._domainkey.example.org': unknown('no answer'),
  'TXT _dmarc.example.org': unknown('no answer'),
}

function found(views: Parameters<typeof domainRecords>[1], before?: DomainRecords, at = now): DomainRecords {
  const standing = domainRecords(wanted, views, before, at)
  if (standing.is === 'asks') throw new Error('everything is in the tables')
  return standing
}
function foundOf(all: readonly Wanted[], views: readonly View[]): DomainRecords {
  const standing = domainRecords(all, views, undefined, now)
  if (standing.is === 'asks') throw new Error('everything is in the tables')
  return standing
}
const states = (f: DomainRecords) => f.records.map((r) => `${r.purpose} ${r.state} ${r.seen}`)
const conditions = (f: DomainRecords, whenBroken = warn, at = now) =>
  recordConditions(f, whenBroken, at).map((c) => `${c.type}=${c.status} ${c.reason}`)

test.each([
  [
    'every server shows the record',
    [own(good), resolver(good)],
    'DKIM Match everywhere',
    'RecordsPublished=True Published',
  ],
  [
    'a resolver still has the old answer',
    [own(good), resolver(noKey)],
    'DKIM Match somewhere',
    'RecordsPublished=False NotSeenEverywhere',
  ],
  [
    'only a resolver shows the record, and the zone does not have it',
    [own(noKey), resolver(good)],
    'DKIM Missing somewhere',
    'RecordsPublished=False NotPublished',
  ],
  [
    'one name server of the zone lags',
    [own(noKey, 'ns1'), own(good, 'ns2'), resolver(good)],
    'DKIM Match somewhere',
    'RecordsPublished=False NotSeenEverywhere',
  ],
  [
    'no server shows the record',
    [own(noKey), resolver(noKey)],
    'DKIM Missing nowhere',
    'RecordsPublished=False NotPublished',
  ],
  [
    'the name servers do not answer, and the resolver shows the record',
    [own(silent), resolver(good)],
    'DKIM Match somewhere',
    'RecordsPublished=True Published',
  ],
  [
    'the name servers do not answer, and the resolver has no record',
    [own(silent), resolver(noKey)],
    'DKIM Missing nowhere',
    'RecordsPublished=False NotPublished',
  ],
  [
    'one resolver does not answer',
    [own(good), resolver(silent), resolver(good)],
    'DKIM Match somewhere',
    'RecordsPublished=Unknown ResolverTrouble',
  ],
  [
    'no server answers',
    [own(silent), resolver(silent)],
    'DKIM Unknown nowhere',
    'RecordsPublished=Unknown ResolverTrouble',
  ],
])('%s', (_name, views, state, condition) => {
  const is = found(views)
  expect(states(is)[1]).toBe(state)
  expect(conditions(is).at(-1)).toBe(condition)
})

test('SPF, DKIM and DMARC each have a condition, by the state of their record', () => {
  expect(conditions(found([own(good)]))).toEqual([
    'SPFValid=True RecordMatches',
    'DKIMValid=True RecordMatches',
    'DMARCValid=True RecordMatches',
    'RecordsPublished=True Published',
  ])
  const other = { ...good, 'TXT s1._domainkey.example.org': ['v=DKIM1; k=ed25519; p=BBBB'] }
  expect(conditions(found([own(other)]))).toContain('DKIMValid=False RecordMismatch')
  expect(conditions(found([own(noKey)]))).toContain('DKIMValid=False RecordMissing')
  expect(conditions(found([own(silent)]))).toContain('DKIMValid=Unknown RecordUnknown')
})

test('a record of which no server answers stays as it was, and does not make a domain broken', () => {
  const well = found([own(good)])
  const after = found([own(silent)], well, now + hour)
  expect(states(after)).toEqual(['SPF Match nowhere', 'DKIM Match nowhere', 'DMARC Match nowhere'])
  expect(after.records.map((r) => r.checkedAt)).toEqual([now, now, now])
  expect(after.brokenSince).toBeUndefined()
  expect(conditions(after)).toEqual([
    'SPFValid=True RecordMatches',
    'DKIMValid=True RecordMatches',
    'DMARCValid=True RecordMatches',
    'RecordsPublished=Unknown ResolverTrouble',
  ])
  const ill = found([own(noKey)])
  expect(found([own(silent)], ill, now + hour)).toMatchObject({ brokenSince: now })
  expect(found([own(silent)]).brokenSince).toBeUndefined()
})

test('a domain is broken since the look that first found it so, until a look finds it in order', () => {
  const first = found([own(noKey)])
  const second = found([own(noKey)], first, now + hour)
  expect(second.brokenSince).toBe(now)
  expect(found([own(good)], second, now + 2 * hour).brokenSince).toBeUndefined()
})

test('a record counts as seen everywhere since when every server showed this value without a gap', () => {
  const since = (f: DomainRecords) => f.records.map((r) => r.everywhereSince)
  const views = [own(good), resolver(good)]
  const first = found(views)
  expect(since(first)).toEqual([now, now, now])
  expect(first.records[1]?.showing).toEqual(['ns1', 'resolver'])
  const second = found(views, first, now + hour)
  expect(since(second)).toEqual([now, now, now])
  const lagging = found([own(good), resolver(noKey)], second, now + 2 * hour)
  expect(since(lagging)).toEqual([now, undefined, now])
  expect(lagging.records[1]?.showing).toEqual(['ns1'])
  expect(since(found([own(good), resolver(silent)], second, now + 2 * hour))).toEqual([undefined, undefined, undefined])
  expect(since(found([own(silent), resolver(silent)], second, now + 2 * hour))).toEqual([
    undefined,
    undefined,
    undefined,
  ])
  expect(since(found(views, lagging, now + 3 * hour))).toEqual([now, now + 3 * hour, now])
  const other = recordsWanted('example.org', {}, [{ selector: 's1', type: 'ed25519', publicKey: 'BBBB' }])
  const rotated = { 'TXT s1._domainkey.example.org': ['v=DKIM1; k=ed25519; p=BBBB'] }
  const standing = domainRecords(other, [own(rotated)], second, now + 4 * hour)
  expect(standing.is === 'found' && since(standing)).toEqual([now + 4 * hour])
  expect(since(found(views, first, now - hour)), 'a clock that was set back').toEqual(Array(3).fill(now - hour))
})

test('a clock that was set back does not delay the end of the grace', () => {
  const first = found([own(noKey)])
  expect(found([own(noKey)], first, now - hour).brokenSince).toBe(now - hour)
})

test.each([
  ['Warn', undefined, 'NotPublished', 'NotPublished'],
  ['Defer', now + day, 'NotPublished', 'BrokenTooLong'],
  ['Refuse', now + day, 'NotPublished', 'BrokenTooLong'],
] as const)('whenBroken %s acts from %s on', (action, from, before, after) => {
  const broken = found([own(noKey)])
  const whenBroken = { action, graceMs: day }
  expect(actsFrom(broken, whenBroken)).toBe(from)
  expect(conditions(broken, whenBroken, now + day - 1).at(-1)).toContain(before)
  expect(conditions(broken, whenBroken, now + day).at(-1)).toContain(after)
  expect(actsFrom(found([own(good)]), whenBroken)).toBeUndefined()
})

test('the messages name the record, what is wrong with it and when mail will be deferred', () => {
  const broken = found([own({ ...noKey, 'TXT example.org': ['v=spf1 -all'] })])
  const [spf, , , published] = recordConditions(broken, { action: 'Defer', graceMs: day }, now)
  expect(spf?.message).toBe('TXT example.org: our mail does not pass it; add include:ses.example')
  expect(published?.message).toContain('TXT s1._domainkey.example.org: there is no DKIM record; add it')
  expect(published?.message).toContain('from 2026-01-06T10:00:00Z on, mail of this domain is deferred')
})

test.each<[string, readonly string[], Zone | undefined, string]>([
  ['have not been asked', ['ns1'], undefined, ''],
  ['do not have it', [], noKey, 'DKIM Missing nowhere'],
  ['have another one', [], otherKey, 'DKIM Mismatch nowhere'],
  ['have it', ['resolver'], good, ''],
  ['do not answer', ['resolver'], silent, ''],
])('where the name servers of the zone %s, those to ask next for a record that nobody has seen yet are %j', (_name, asked, zone, state) => {
  const key = recordsWanted('example.org', {}, [{ selector: 's1', type: 'ed25519', publicKey: 'AAAA' }])
  const unasked = { lookup: () => undefined }
  const views = [
    { ...own(zone ?? {}), ...(zone === undefined && unasked) },
    { ...resolver({}), ...unasked },
  ]
  const standing = domainRecords(key, views, undefined, now, new Set(['s1._domainkey.example.org']))
  expect(standing.is === 'asks' ? standing.asks.map(({ view }) => view.server) : []).toEqual(asked)
  expect(standing.is === 'found' ? states(standing).join() : '').toBe(state)
})

test('a delegated selector wants a CNAME in the domain and the key in the target zone', () => {
  const delegated = recordsWanted('example.org', {}, [
    { selector: 's1', type: 'rsa', publicKey: 'AAAA', delegatedTo: 's1.keys.example.net' },
  ])
  expect(delegated.map((w) => `${w.type} ${w.name}`)).toEqual([
    'CNAME s1._domainkey.example.org',
    'TXT s1.keys.example.net',
  ])
  expect(recordsWanted('example.org', {}, [])).toEqual([])
})

test('a record in the target zone is judged by the name servers of that zone, and the alias by those of its own', () => {
  const target = 's1.example.org._dkim.keys.example.net'
  const name = 's1._domainkey.example.org'
  const wanted = recordsWanted('example.org', {}, [
    { selector: 's1', type: 'rsa', publicKey: 'AAAA', delegatedTo: target },
  ])
  const all = { [`CNAME ${name}`]: [target], [`TXT ${target}`]: ['v=DKIM1; k=rsa; p=AAAA'] }
  const noAlias = { [`TXT ${target}`]: ['v=DKIM1; k=rsa; p=AAAA'] }
  const noKey = { [`CNAME ${name}`]: [target] }
  const seen = (here: Zone, there: Zone) =>
    states(foundOf(wanted, [ownOf('example.org', here), ownOf('example.net', there), resolver(all)]))
  expect(seen(noKey, noAlias)).toEqual(['DKIM Match everywhere', 'DKIM Match everywhere'])
  expect(seen(noKey, {})).toEqual(['DKIM Match everywhere', 'DKIM Missing somewhere'])
  expect(seen({}, all)).toEqual(['DKIM Missing somewhere', 'DKIM Match everywhere'])
})

test('an alias that no key needs yet is reported as missing, and does not make the domain broken', () => {
  const keyAt = {
    selector: 's1',
    type: 'rsa',
    publicKey: 'AAAA',
    delegatedTo: 's1.example.org._dkim.keys.example',
  } as const
  const vacant = [{ selector: 's2', delegatedTo: 's2.example.org._dkim.keys.example', isSpare: true }] as const
  const zone = {
    'CNAME s1._domainkey.example.org': [keyAt.delegatedTo],
    [`TXT ${keyAt.delegatedTo}`]: ['v=DKIM1; k=rsa; p=AAAA'],
  }
  const all = recordsWanted('example.org', {}, [keyAt], [], vacant)
  const standing = foundOf(all, [own(zone)])
  expect(standing.brokenSince).toBeUndefined()
  expect(conditions(standing)).toEqual(['DKIMValid=True RecordMatches', 'RecordsPublished=False NotDelegated'])
  const added = foundOf(all, [own({ ...zone, 'CNAME s2._domainkey.example.org': [vacant[0].delegatedTo] })])
  expect(conditions(added)).toContain('RecordsPublished=True Published')
})

test('a target zone within the domain is asked for the records in it', () => {
  const target = 's1.example.org._dkim.keys.example.org'
  const wanted = recordsWanted('example.org', {}, [
    { selector: 's1', type: 'rsa', publicKey: 'AAAA', delegatedTo: target },
  ])
  const alias = { 'CNAME s1._domainkey.example.org': [target] }
  const record = { [`TXT ${target}`]: ['v=DKIM1; k=rsa; p=AAAA'] }
  const views = [ownOf('example.org', alias), ownOf('keys.example.org', record)]
  expect(states(foundOf(wanted, views))).toEqual(['DKIM Match everywhere', 'DKIM Match everywhere'])
})

test('the score gives a reason for the points that are missing', () => {
  const score = (zone: Zone) => scoreOf(found([own(zone)]).records)
  expect(score({ ...good, 'TXT _dmarc.example.org': ['v=DMARC1; p=reject; rua=mailto:a@example.org'] })).toEqual({
    points: 100,
    reasons: [],
  })
  expect(score(noKey)).toEqual({
    points: 100 - 35 - 5 - 5,
    reasons: [
      '-35 TXT s1._domainkey.example.org: there is no DKIM record; add it',
      '-5 TXT _dmarc.example.org: p=none asks receivers to do nothing with forged mail',
      '-5 TXT _dmarc.example.org: there is no rua=, so nobody gets reports on who sends as the domain',
    ],
  })
  expect(score({}).points).toBe(0)
})

test('a missing record of a spare key does not make the domain broken', () => {
  const keys = [
    { selector: 's1', type: 'ed25519', publicKey: 'AAAA' },
    { selector: 's2', type: 'ed25519', publicKey: 'BBBB', isSpare: true },
  ] as const
  const standing = domainRecords(recordsWanted('example.org', {}, keys), [own(good)], undefined, now)
  if (standing.is === 'asks') throw new Error('everything is in the tables')
  expect(states(standing)).toEqual(['DKIM Match everywhere', 'DKIM Missing nowhere'])
  expect(standing.brokenSince).toBeUndefined()
  expect(conditions(standing)).toContain('DKIMValid=True RecordMatches')
})

const left = { selector: 's0', type: 'ed25519', publicKey: 'OOOO' } as const
const leftName = 'TXT s0._domainkey.example.org'
const withOld = recordsWanted('example.org', {}, [{ selector: 's1', type: 'ed25519', publicKey: 'AAAA' }], [left])
const still: Zone = { ...good, [leftName]: ['v=DKIM1; k=ed25519; p=OO OO'] }
function oldKeys(views: readonly View[], before?: DomainRecords) {
  const standing = domainRecords(withOld, views, before, now)
  if (standing.is === 'asks') throw new Error('everything is in the tables')
  return standing
}
const fails: Zone = { ...good, [leftName]: unknown('SERVFAIL') }
const remembered = oldKeys([own(still)])

test.each<[string, readonly View[], string[], DomainRecords?]>([
  ['reported while it is there', [own(still)], ['RetiredKey Leftover nowhere', 'False RetiredKeyPublished']],
  ['not reported when it is gone', [own(good)], ['True Published']],
  ['not reported any more when it is gone', [own(good)], ['True Published'], remembered],
  ['not reported when it is revoked', [own({ ...good, [leftName]: ['v=DKIM1; k=ed25519; p='] })], ['True Published']],
  [
    'not reported when the name has another key',
    [own({ ...good, [leftName]: ['v=DKIM1; p=BBBB'] })],
    ['True Published'],
  ],
  [
    'reported when it stands beside another key',
    [own({ ...good, [leftName]: ['v=DKIM1; p=BBBB', 'k=ed25519; p=OOOO'] })],
    ['RetiredKey Leftover nowhere', 'False RetiredKeyPublished'],
  ],
  [
    'not reported in a form that no receiver reads',
    [own({ ...good, [leftName]: ['p=OOOO; p=OOOO'] })],
    ['True Published'],
  ],
  [
    'reported when one of two name servers has it',
    [own(good, 'ns1'), own(still, 'ns2')],
    ['RetiredKey Leftover somewhere', 'False RetiredKeyPublished'],
  ],
  ['not reported when only a resolver still has it', [own(good), resolver(still)], ['True Published']],
  ['not reported when no server has answered yet', [own(fails)], ['RetiredKey Unknown nowhere', 'True Published']],
  [
    'still reported when it was there and no server answers now',
    [own(fails)],
    ['RetiredKey Leftover nowhere', 'False RetiredKeyPublished'],
    remembered,
  ],
])('the record of a retired key is %s', (_name, views, said, before) => {
  const standing = oldKeys(views, before)
  const leaving = states(standing).filter((state) => state.startsWith('RetiredKey'))
  const condition = conditions(standing).map((c) => c.replace('RecordsPublished=', ''))
  expect([...leaving, ...condition]).toEqual([...said.slice(0, -1), 'DKIMValid=True RecordMatches', said.at(-1)])
  expect(standing.brokenSince).toBeUndefined()
})

test('a record of a retired key is named with what to do, costs five points, and does not hide a missing record', () => {
  const [, told] = recordConditions(remembered, warn, now)
  expect(told?.message).toContain(`${leftName}: its key is retired`)
  expect(told?.message).toContain('remove the record from the zone')
  expect(scoreOf(remembered.records)).toMatchObject({
    points: 95,
    reasons: [expect.stringContaining(`-5 ${leftName}`)],
  })
  const both = oldKeys([own({ ...noKey, [leftName]: ['k=ed25519; p=OOOO'] })])
  expect(conditions(both)).toEqual(['DKIMValid=False RecordMissing', 'RecordsPublished=False NotPublished'])
  const refuse: WhenBroken = { action: 'Refuse', graceMs: 0 }
  expect(holdingBack(remembered, refuse, now + day)).toEqual([])
  expect(holdingBack(both, refuse, now + day)).toEqual(['TXT s1._domainkey.example.org'])
})
