/** All keys of a domain, made or provided, are joined to what signs, what is recorded and what is told of them. */
import { expect, test } from 'vitest'
import type { DkimKey, DkimStage, HeldKey } from '../../../operator/lifecycle/dkim-key.ts'
import type { KeySighting } from '../../../operator/lifecycle/dkim-line-facts.ts'
import { newSelector } from '../../../operator/lifecycle/dkim-selector.ts'
import { keyRecordIn } from '../../../operator/lifecycle/key-record.ts'
import { type KeysFacts, keysOfDomain } from '../../../operator/lifecycle/keys-of-domain.ts'
import { rotationConditions } from '../../../operator/lifecycle/rotation-condition.ts'

const hour = 3_600_000
const day = 24 * hour
const now = Date.parse('2026-06-01T12:00:00Z')
const held = (selector: string): HeldKey => ({ selector, algorithm: 'rsa2048', publicKey: `key of ${selector}` })
const key = (selector: string, stage: DkimStage, since = now - day): DkimKey => ({ ...held(selector), stage, since })

function concluded(more: Partial<KeysFacts>, inUse: KeySighting['inUse'] = 'no') {
  const { known, make, erase } = keysOfDomain({
    domain: 'example.org',
    wish: { types: ['rsa'], everyMs: 90 * day, overlapMs: 7 * day },
    own: { is: 'held', keys: [] },
    recorded: [],
    before: [],
    observations: { recordOf: () => undefined, inUse: () => inUse, expireAfterMs: day },
    now,
    ...more,
  })
  return {
    sign: known.sign?.map((k) => k.selector),
    lost: known.lost,
    keys: known.keys.map((k) => `${k.selector} ${k.stage}`),
    found: known.found.map((f) => `${f.type} ${f.reason}`),
    make: make.map(({ type }) => type),
    erase,
  }
}
const own = (...selectors: readonly string[]): KeysFacts['own'] => ({ is: 'held', keys: selectors.map(held) })
const given = (...selectors: readonly string[]): NonNullable<KeysFacts['given']> => ({
  sign: selectors.map(held),
  keys: selectors.map((s) => key(s, 'Active')),
  found: [],
})

test('a provided key takes over from the ones that were made, which retire and are not made again', () => {
  const facts = { given: given('s1'), own: own('rf-1'), recorded: [key('rf-1', 'Active')] }
  expect(concluded(facts, 'yes')).toMatchObject({ sign: ['s1'], keys: ['s1 Active', 'rf-1 Active'], make: [] })
  expect(concluded(facts)).toMatchObject({ sign: ['s1'], keys: ['s1 Active', 'rf-1 Retiring'], make: [], erase: [] })
})

test('a key that is provided under the selector of an earlier one is the only key with it, since a name may have one record', () => {
  const before: DkimKey = { ...key('s1', 'Active'), publicKey: 'the key before' }
  const facts = { given: given('s1'), recorded: [before] }
  expect(concluded(facts, 'yes')).toMatchObject({ sign: ['s1'], keys: ['s1 Active'], make: [], erase: [] })
  expect(concluded({ ...facts, own: { is: 'held', keys: [before] } })).toMatchObject({ keys: ['s1 Active'] })
})

test('a key that is no longer provided goes on signing from the copies of the relays, until the record of the first made key is seen', () => {
  const facts = { recorded: [key('s1', 'Active')] }
  expect(concluded(facts, 'yes')).toMatchObject({ sign: ['s1'], lost: ['s1'], keys: ['s1 Active'], make: ['rsa'] })
})

test('a Secret of keys that can not be read changes nothing, whether the keys are provided or made', () => {
  const found = [{ type: 'ResolvedRefs', status: 'False', reason: 'SecretNotFound', message: 'gone' }] as const
  const recorded = [key('s1', 'Active')]
  const stays = { sign: undefined, keys: ['s1 Active'], make: [], erase: [] }
  expect(concluded({ given: { keys: recorded, found }, recorded })).toMatchObject(stays)
  expect(concluded({ own: { is: 'trouble', found: found[0] }, recorded })).toMatchObject(stays)
})

test('a step that is taken again before it was recorded gives the same time', () => {
  const step = (at: number, before: readonly DkimKey[]) =>
    keysOfDomain({
      domain: 'example.org',
      wish: { types: ['rsa'], overlapMs: 7 * day },
      own: own('rf-1'),
      recorded: [],
      before,
      observations: { recordOf: () => undefined, inUse: () => 'no', expireAfterMs: day },
      now: at,
    }).known.keys
  const first = step(now, [])
  expect(step(now + 5000, first)).toEqual(first)
})

test.each<[readonly DkimKey[], string | undefined]>([
  [[], undefined],
  [[key('a', 'Pending')], undefined],
  [[key('a', 'Active')], undefined],
  [
    [key('a', 'Active'), key('b', 'Pending')],
    'RecordPending: b: waits until every server that is asked shows its record; publish b._domainkey.example.org TXT "v=DKIM1; k=rsa; p=key of b"; until then a goes on signing',
  ],
  [
    [key('a', 'Retiring', now), key('b', 'Pending')],
    'RecordPending: b: waits until every server that is asked shows its record; publish b._domainkey.example.org TXT "v=DKIM1; k=rsa; p=key of b"; until then no key signs',
  ],
  [[key('a', 'Active'), key('b', 'Published')], 'RecordSeen: b'],
  [
    [key('a', 'Active'), { ...key('b', 'Pending'), delegatedTo: 'b.keys.example' }],
    'RecordPending: b: waits until every server that is asked shows its record; publish b.keys.example TXT "v=DKIM1; k=rsa; p=key of b", to which b._domainkey.example.org has to be a CNAME; until then a goes on signing',
  ],
  [
    [key('a', 'Active'), { ...key('b', 'Published'), delegatedTo: 'b.keys.example' }],
    'RecordSeen: b: its record is seen everywhere; it signs when it is seen once more, 3 hours later, when no cache can still have the record',
  ],
  [[key('a', 'Active'), key('b', 'Active')], 'RelaysFollow: a: another key follows'],
  [
    [key('a', 'Retiring', now), key('b', 'Active')],
    'OldKeyRetiring: a: signs no more; its record stays until 2026-06-09T12:00:00Z',
  ],
  [[key('a', 'Retired'), key('b', 'Active')], undefined],
])('RotationInProgress of the keys %o: %s', (keys, told) => {
  const [found] = rotationConditions({ domain: 'example.org', keys, keepMs: 8 * day })
  if (told === undefined) expect(found).toBeUndefined()
  else expect(`${found?.reason}: ${found?.message}`).toContain(told)
})

test('a selector has the environment, the day and the algorithm in its name', () => {
  const naming = { prefix: 'rf', now: Date.parse('2027-01-15T23:59:00Z'), chance: 'k3f9x' }
  expect(newSelector('rsa', { ...naming, environment: 'Production' })).toBe('rf-prod-20270115-rsa-k3f9x')
  expect(newSelector('ed25519', { ...naming, environment: 'NonProduction' })).toBe('rf-test-20270115-ed-k3f9x')
})

test('a key counts as seen only by the record with its own value, and only as far as its alias is seen too', () => {
  const record = (name: string, want: string, seen: 'everywhere' | 'nowhere', type: 'TXT' | 'CNAME' = 'TXT') => ({
    ...{ name, type, want, seen, purpose: 'DKIM' as const, state: 'Match' as const },
    ...{ showing: [], otherwise: [], doubts: [], isUnresolved: false, notes: [], checkedAt: now },
  })
  const want = 'v=DKIM1; k=rsa; p=key of a'
  const seen = (...records: readonly ReturnType<typeof record>[]) =>
    keyRecordIn('example.org', held('a'), { found: { records }, at: now + 1, apartMs: 9 })
  const name = 'a._domainkey.example.org'
  expect(seen(record(name, want, 'everywhere'))).toEqual({ seen: 'everywhere', checkedAt: now + 1, apartMs: 9 })
  expect(seen(record(name, 'v=DKIM1; k=rsa; p=another', 'everywhere'))).toBeUndefined()
  const target = record('a.keys.example', want, 'everywhere')
  expect(seen(record(name, 'a.keys.example', 'nowhere', 'CNAME'), target)?.seen).toBe('somewhere')
})
