/** A status tells how a domain's DNS records are, is rewritten only when that changes, and lets the next operator go on from it. */
import { expect, test } from 'vitest'
import { senderDomain } from '../../crds/sender-domain.ts'
import { statusProblems } from '../../crds/validate.ts'
import { deriveReady, mergeConditions } from '../../operator/conditions.ts'
import type { DomainChecks } from '../../operator/lifecycle/domain-checks.ts'
import { type DomainRecords, domainRecords } from '../../operator/lifecycle/domain-records.ts'
import { recordsWanted } from '../../operator/lifecycle/records-wanted.ts'
import { recordsBefore, recordsSaying } from '../../operator/records-saying.ts'
import { own, resolver, unknown, type Zone } from './lifecycle/zone.ts'

const hour = 3_600_000
const now = Date.parse('2026-01-05T10:00:00Z')
const checks: DomainChecks = {
  domain: 'example.org',
  wanted: recordsWanted('example.org', { spf: { include: [], addresses: [] }, dmarc: { minimumPolicy: 'none' } }, []),
  resolvers: [],
  verifyEveryMs: 300_000,
  waiting: [],
  whenBroken: { action: 'Warn', graceMs: 0 },
}
const good: Zone = { 'TXT example.org': ['v=spf1 -all'], 'TXT _dmarc.example.org': ['v=DMARC1; p=none'] }
const noSpf: Zone = { ...good, 'TXT example.org': [] }
const silent: Zone = { 'TXT example.org': unknown('SERVFAIL'), 'TXT _dmarc.example.org': unknown('SERVFAIL') }

function look(zone: Zone, at = now, before?: DomainRecords) {
  const found = domainRecords(checks.wanted, [own(zone)], before, at)
  if (found.is === 'asks') throw new Error('everything is in the tables')
  return { found, at }
}
type Standing = Parameters<typeof recordsSaying>[2]
const none: Standing = { conditions: [] }
const standing = (zone: Zone, at = now): Standing => {
  const { fields, conditions } = recordsSaying(checks, look(zone, at), none)
  return { ...fields, conditions }
}
const short = ({ conditions }: { conditions: readonly { type: string; status: string; reason: string }[] }) =>
  conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`)

test('before the first look at the records the domain is not ready, but Pending', () => {
  const saying = recordsSaying(checks, undefined, none)
  expect(short(saying)).toEqual(['RecordsPublished=Unknown Pending'])
  expect(saying.fields).toEqual({})
  const accepted = { type: 'Accepted', status: 'True', reason: 'Accepted', message: '' } as const
  expect(deriveReady([accepted, ...saying.conditions])).toMatchObject({ status: 'Unknown', reason: 'Pending' })
})

test.each([
  ['with every record in order the domain is ready', good, 'True', 'Ready'],
  ['with a record missing it is not ready', noSpf, 'False', 'RecordMissing'],
  ['with no answer from any server it is not known whether it is ready', silent, 'Unknown', 'RecordUnknown'],
])('%s', (_name, zone, status, reason) => {
  expect(deriveReady(standing(zone).conditions)).toMatchObject({ status, reason })
})

test('a name server that falls silent is reported, and the domain stays ready', () => {
  const first = look(good)
  const { conditions } = recordsSaying(checks, look(silent, now + hour, first.found), standing(good))
  expect(short({ conditions })).toEqual([
    'SPFValid=True RecordMatches',
    'DMARCValid=True RecordMatches',
    'RecordsPublished=Unknown ResolverTrouble',
  ])
  expect(deriveReady(conditions)).toMatchObject({ status: 'True' })
})

test('the status fits its schema, also with very long records, and has the value that has to be published', () => {
  const long = { ...good, 'TXT example.org': [`v=spf1 ${'ip4:192.0.2.1 '.repeat(2000)}-all`] }
  for (const zone of [good, noSpf, silent, long]) {
    const { conditions, ...fields } = standing(zone)
    const stamped = conditions.map((c) => ({ ...c, lastTransitionTime: '2026-01-05T10:00:00Z' }))
    expect(statusProblems(senderDomain, { ...fields, conditions: stamped })).toEqual([])
  }
  expect(standing(noSpf)).toMatchObject({
    brokenSince: '2026-01-05T10:00:00Z',
    records: [
      { name: 'example.org', purpose: 'SPF', state: 'Missing', want: 'v=spf1 ~all', checkedAt: '2026-01-05T10:00:00Z' },
      { name: '_dmarc.example.org', purpose: 'DMARC', state: 'Match', got: 'v=DMARC1; p=none' },
    ],
  })
})

test('while nothing changes the status stays the same for six hours, and a change is written at once', () => {
  const before = standing(good)
  const after = (zone: Zone, at: number) => recordsSaying(checks, look(zone, at), before).fields
  expect(after(good, now + 5 * hour)).toEqual({ records: before['records'] })
  expect(JSON.stringify(after(good, now + 6 * hour))).toContain('2026-01-05T16:00:00Z')
  expect(after(noSpf, now + hour)).toMatchObject({
    brokenSince: '2026-01-05T11:00:00Z',
    records: [{ checkedAt: '2026-01-05T11:00:00Z' }, { checkedAt: '2026-01-05T10:00:00Z' }],
  })
})

test('another operator, which gets no answer, takes from the status that the domain is broken and since when', () => {
  const before = recordsBefore(standing(noSpf))
  const later = look(silent, now + hour, before)
  expect(later.found).toMatchObject({ brokenSince: now, records: [{ state: 'Missing' }, { state: 'Match' }] })
  expect(recordsSaying(checks, undefined, standing(noSpf)).fields).toMatchObject({
    brokenSince: '2026-01-05T10:00:00Z',
  })
  expect(short(recordsSaying(checks, undefined, standing(noSpf)))).toEqual(short(standing(noSpf)))
})

test.each([
  ['no status', {}, undefined],
  ['records that are no list', { records: 'x' }, undefined],
  [
    'entries of another form',
    { records: [null, 7, { name: 'x' }, { state: 'Match' }], brokenSince: 'x' },
    { records: [] },
  ],
])('of a status that somebody else wrote, what has another form is ignored: %s', (_name, status, read) => {
  expect(recordsBefore(status)).toEqual(read)
})

test('the record of a retired key is reported for as long as it is in the zone, also by the next operator, and Ready stays True', () => {
  const retired = { selector: 's0', type: 'rsa', publicKey: 'OOOO' } as const
  const old: DomainChecks = { ...checks, wanted: recordsWanted('example.org', {}, [], [retired]) }
  const name = 's0._domainkey.example.org'
  const said = (zone: Zone, before: Standing) => {
    const known = recordsBefore(before)
    const found = domainRecords(old.wanted, [own(zone)], known, now)
    if (found.is === 'asks') throw new Error('everything is in the tables')
    return recordsSaying(old, { found, at: now }, before)
  }
  const there = said({ [`TXT ${name}`]: ['v=DKIM1; p=OOOO'] }, none)
  const record = { name, purpose: 'RetiredKey', want: '', got: 'v=DKIM1; p=OOOO', state: 'Leftover' }
  expect(there.fields).toMatchObject({ records: [record] })
  expect(short(there)).toEqual(['RecordsPublished=False RetiredKeyPublished'])
  expect(deriveReady(there.conditions)).toMatchObject({ status: 'True' })
  const stands = { ...there.fields, conditions: there.conditions }
  const stamped = there.conditions.map((c) => ({ ...c, lastTransitionTime: '2026-01-05T10:00:00Z' }))
  expect(statusProblems(senderDomain, { ...stands, conditions: stamped })).toEqual([])

  expect(recordsSaying(old, undefined, stands)).toEqual(there)
  expect(said({ [`TXT ${name}`]: unknown('SERVFAIL') }, stands)).toEqual(there)
  expect(said({}, stands)).toEqual({ fields: { records: [] }, conditions: [] })
  expect(recordsSaying(old, undefined, none)).toEqual({ fields: {}, conditions: [] })
})

test('NotSigned of an earlier status is dropped once the domain has to be signed', () => {
  const unsigned = { type: 'DKIMValid', status: 'False', reason: 'NotSigned', message: '' } as const
  const before = standing(good)
  const saying = recordsSaying(checks, undefined, { ...before, conditions: [...before.conditions, unsigned] })
  expect(saying.conditions).toEqual(before.conditions)
})

test('what eight resolvers show for four keys is cut to fit into a status', () => {
  const names = ['a', 'b', 'c', 'd']
  const key = { type: 'rsa', publicKey: 'AAAA' } as const
  const wanted = recordsWanted(
    'example.org',
    {},
    names.map((selector) => ({ ...key, selector })),
  )
  const zone = (...records: string[]): Zone =>
    Object.fromEntries(names.map((n) => [`TXT ${n}._domainkey.example.org`, records]))
  const others = Array.from({ length: 8 }, (_, i) => resolver(zone('x'.repeat(2000), 'y'), `resolver 192.0.2.${i}`))
  const found = domainRecords(wanted, [own(zone('v=DKIM1; k=rsa; p=AAAA')), ...others], undefined, now)
  if (found.is === 'asks') throw new Error('everything is in the tables')
  const { fields, conditions } = recordsSaying({ ...checks, wanted }, { found, at: now }, none)
  expect(conditions).toContainEqual(expect.objectContaining({ reason: 'NotSeenEverywhere' }))
  const stamped = mergeConditions([], conditions, 1, '2026-01-05T10:00:00Z')
  expect(statusProblems(senderDomain, { ...fields, conditions: stamped })).toEqual([])
})
