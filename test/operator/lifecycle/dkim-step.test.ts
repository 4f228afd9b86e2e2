/** Each step of a domain's DKIM keys: their stages, which are made, which sign, which records are published, and which are erased. */
import { expect, test } from 'vitest'
import { delegatedSelectors } from '../../../operator/lifecycle/delegated-selectors.ts'
import type { DkimKey, DkimStage } from '../../../operator/lifecycle/dkim-key.ts'
import type { KeySighting } from '../../../operator/lifecycle/dkim-line-facts.ts'
import { type DkimObservations, type DkimWish, dkimStep } from '../../../operator/lifecycle/dkim-step.ts'

const hour = 3_600_000
const day = 24 * hour
const now = Date.parse('2026-06-01T12:00:00Z')
const managed: DkimWish = { types: ['rsa'], everyMs: 90 * day, overlapMs: 7 * day }

const key = (selector: string, stage: DkimStage, since: number): DkimKey => ({
  selector,
  algorithm: 'rsa2048',
  publicKey: `key of ${selector}`,
  stage,
  since,
})

type Seen = NonNullable<KeySighting['record']>['seen']
type Facts = {
  readonly held?: readonly string[]
  readonly seen?: Readonly<Record<string, Seen>>
  readonly checkedAt?: number
  readonly apartMs?: number
  readonly inUse?: Readonly<Record<string, KeySighting['inUse']>>
}

function stepped(recorded: readonly DkimKey[], facts: Facts = {}, wish = managed) {
  const { held = recorded.map((k) => k.selector), seen = {}, checkedAt = now, apartMs = 0, inUse = {} } = facts
  const observations: DkimObservations = {
    held: held.map((selector) => ({ selector, algorithm: 'rsa2048', publicKey: `key of ${selector}` })),
    recordOf: ({ selector: s }) => (seen[s] === undefined ? undefined : { seen: seen[s], checkedAt, apartMs }),
    inUse: ({ selector: s }) => inUse[s] ?? 'no',
    expireAfterMs: day,
  }
  const { keys, make, sign, publish, erase, at } = dkimStep(recorded, wish, observations, now)
  return {
    stages: keys.map((k) => `${k.selector} ${k.stage}`),
    since: keys.map((k) => k.since),
    make: make.map(({ type, selector = type }) => selector),
    ...{ sign, erase, at },
    publish: publish.map((k) => k.selector),
  }
}

const active = key('a', 'Active', now - 10 * day)
const other: DkimWish = { ...managed, types: [] }

test.each<[string, readonly DkimKey[], Facts, DkimWish, readonly string[]]>([
  ['a key in the Secret that is not recorded begins as Pending', [], { held: ['a'] }, managed, ['a Pending']],
  ['a key stays Pending while nobody has asked for its record', [key('a', 'Pending', now)], {}, managed, ['a Pending']],
  [
    'a key stays Pending while one server lacks its record',
    [key('a', 'Pending', now - 1)],
    { seen: { a: 'somewhere' } },
    managed,
    ['a Pending'],
  ],
  [
    'a key becomes Published when every server shows its record',
    [key('a', 'Pending', now - 1)],
    { seen: { a: 'everywhere' } },
    managed,
    ['a Published'],
  ],
  [
    'a key stays Published after the look that first found its record',
    [key('a', 'Published', now)],
    { seen: { a: 'everywhere' } },
    managed,
    ['a Published'],
  ],
  [
    'a key stays Published while nobody has looked since the operator started',
    [key('a', 'Published', now - 1)],
    {},
    managed,
    ['a Published'],
  ],
  [
    'a key becomes Active when its record is seen once more',
    [key('a', 'Published', now - 1)],
    { seen: { a: 'everywhere' } },
    managed,
    ['a Active'],
  ],
  [
    'a key stays Published at a look that is too close to the one that first found its record',
    [key('a', 'Published', now - 59_999)],
    { seen: { a: 'everywhere' }, apartMs: 60_000 },
    managed,
    ['a Published'],
  ],
  [
    'a key becomes Active at a look that is far enough from the one that first found its record',
    [key('a', 'Published', now - 60_000)],
    { seen: { a: 'everywhere' }, apartMs: 60_000 },
    managed,
    ['a Active'],
  ],
  [
    'a key whose record went before it signed becomes Pending again',
    [key('a', 'Published', now - 1)],
    { seen: { a: 'nowhere' } },
    managed,
    ['a Pending'],
  ],
  [
    'a key whose private key is lost before it signed becomes Retired',
    [key('a', 'Published', now - 1)],
    { held: [], seen: { a: 'everywhere' } },
    managed,
    ['a Retired'],
  ],
  [
    'when the next key signs, the one before stays Active while relays use it',
    [active, key('b', 'Published', now - 1)],
    { seen: { b: 'everywhere' }, inUse: { a: 'yes' } },
    managed,
    ['a Active', 'b Active'],
  ],
  [
    'a key stays Active while a relay still signs with it',
    [active, key('b', 'Active', now - hour)],
    { inUse: { a: 'yes' } },
    managed,
    ['a Active', 'b Active'],
  ],
  [
    'a key stays Active while a relay does not tell what it signs with',
    [active, key('b', 'Active', now - hour)],
    { inUse: { a: 'unknown' } },
    managed,
    ['a Active', 'b Active'],
  ],
  [
    'a key becomes Retiring when every relay signs with the next one',
    [active, key('b', 'Active', now - hour)],
    {},
    managed,
    ['a Retiring', 'b Active'],
  ],
  [
    'a key stays Retiring while its mail may be under way',
    [key('a', 'Retiring', now - 8 * day + 1), active],
    {},
    managed,
    ['a Retiring', 'a Active'],
  ],
  [
    'a key becomes Retired when its mail has arrived or expired',
    [key('x', 'Retiring', now - 8 * day), active],
    {},
    managed,
    ['x Retired', 'a Active'],
  ],
  [
    'a key stays Retiring past its time while a relay does not tell what it signs with',
    [key('x', 'Retiring', now - 9 * day), active],
    { inUse: { x: 'unknown' } },
    managed,
    ['x Retiring', 'a Active'],
  ],
  [
    'a Retiring key becomes Active again when a relay comes back that signs with it',
    [key('x', 'Retiring', now - 9 * day), active],
    { inUse: { x: 'yes' } },
    managed,
    ['x Active', 'a Active'],
  ],
  ['an unwanted key stays Active while relays sign with it', [active], { inUse: { a: 'yes' } }, other, ['a Active']],
  [
    'unwanted keys become Retiring, or Retired if they never signed',
    [active, key('b', 'Pending', now)],
    {},
    other,
    ['a Retiring', 'b Retired'],
  ],
  [
    'of several Retired keys only the last one stays in the status',
    [key('x', 'Retired', 0), key('y', 'Retired', 0), active],
    { held: ['a'] },
    managed,
    ['y Retired', 'a Active'],
  ],
  [
    'a Retired key stays in the status while its private key is in the Secret',
    [key('x', 'Retired', 0), key('y', 'Retired', 0), active],
    { held: ['a', 'x'] },
    managed,
    ['x Retired', 'y Retired', 'a Active'],
  ],
])('%s', (_name, recorded, facts, wish, stages) => {
  expect(stepped(recorded, facts, wish).stages).toEqual(stages)
})

test.each<[string, readonly DkimKey[], Facts, DkimWish, readonly string[]]>([
  ['a domain without a key gets one', [], {}, managed, ['rsa']],
  ['a domain gets one key of each algorithm', [], {}, { ...managed, types: ['ed25519', 'rsa'] }, ['rsa', 'ed25519']],
  ['no key is made while one is Pending, for however long', [key('a', 'Pending', now - 300 * day)], {}, managed, []],
  ['the next key is made when the active one is due', [key('a', 'Active', now - 90 * day)], {}, managed, ['rsa']],
  ['no key is made before the active one is due', [key('a', 'Active', now - 90 * day + 1)], {}, managed, []],
  ['the next key is made at once when the active private key is lost', [active], { held: [] }, managed, ['rsa']],
  [
    'no key is made while the next one is Published',
    [key('a', 'Active', now - 99 * day), key('b', 'Published', now)],
    {},
    managed,
    [],
  ],
  ['no key is made of an algorithm that is not wanted', [], {}, other, []],
  [
    'no key is made while fifteen others are Retiring',
    [...Array.from({ length: 15 }, (_, i) => key(`k${i}`, 'Retiring', now)), key('a', 'Active', now - 99 * day)],
    {},
    managed,
    [],
  ],
])('%s', (_name, recorded, facts, wish, make) => {
  expect(stepped(recorded, facts, wish).make).toEqual(make)
})

test('the key that signs is the Active one in the status, not one that this step makes Active', () => {
  const before = [active, key('b', 'Published', now - 1)]
  expect(stepped(before, { seen: { b: 'everywhere' } }).sign).toEqual(['a'])
  expect(stepped([active, key('b', 'Active', now)]).sign).toEqual(['b'])
})

test('where the status was lost, the key that relays sign with goes on signing and stays published', () => {
  expect(stepped([], { held: ['a'], inUse: { a: 'yes' } })).toMatchObject({ sign: ['a'], publish: ['a'], make: [] })
})

test('a key is erased, and its record withdrawn, only in the step after it was recorded as Retired', () => {
  const ends = stepped([key('x', 'Retiring', now - 8 * day), active])
  expect(ends).toMatchObject({ erase: [], publish: ['x', 'a'] })
  expect(stepped([key('x', 'Retired', now), active])).toMatchObject({ erase: ['x'], publish: ['a'] })
})

test('a time far in the future, which a wrong clock wrote, is replaced by the present', () => {
  expect(stepped([key('x', 'Retiring', now + 400 * day), active]).since[0]).toBe(now)
  expect(stepped([key('x', 'Retiring', now + hour), active]).since[0]).toBe(now + hour)
})

test('a step tells when the next change comes by time alone', () => {
  expect(stepped([active]).at).toBe(active.since + 90 * day)
  expect(stepped([key('x', 'Retiring', now - day), active]).at).toBe(now + 7 * day)
})

const delegated = delegatedSelectors({
  domain: 'example.org',
  targetZone: 'keys.example',
  prefix: 'rf',
  environment: 'Production',
})
const turns: DkimWish = { ...managed, delegated }
const [first, second] = ['rf-prod-rsa-1', 'rf-prod-rsa-2'] as const
const inTurn = (selector: string, stage: DkimStage, since: number): DkimKey => ({
  ...key(selector, stage, since),
  delegatedTo: `${selector}.example.org._dkim.keys.example`,
})
const due = now - 90 * day
const hours = (n: number): Facts => ({
  seen: { [first]: 'everywhere', [second]: 'everywhere' },
  checkedAt: now - n * hour,
})

test.each<[string, readonly DkimKey[], Facts, DkimWish, readonly string[]]>([
  ['the first key has the first selector', [], {}, turns, [first]],
  ['the second key has the second selector', [inTurn(first, 'Active', due)], {}, turns, [second]],
  [
    'the third key has the first selector again',
    [inTurn(first, 'Retired', now - 80 * day), inTurn(second, 'Active', due)],
    { held: [second] },
    turns,
    [first],
  ],
  [
    'no key is made for a selector while mail that names it is under way',
    [inTurn(first, 'Retiring', now - day), inTurn(second, 'Active', due)],
    {},
    turns,
    [],
  ],
  [
    'no key is made for a selector while its former private key is in the Secret',
    [inTurn(first, 'Retired', now - day), inTurn(second, 'Active', due)],
    {},
    turns,
    [],
  ],
  [
    'no key is made for a selector while a relay may have its former key',
    [inTurn(first, 'Retired', now - day), inTurn(second, 'Active', due)],
    { held: [second], inUse: { [first]: 'unknown' } },
    turns,
    [],
  ],
  ['a selector that was never used goes first', [inTurn(first, 'Retired', now - day)], { held: [] }, turns, [second]],
  ['a key with its own selector is followed at once when selectors are delegated', [active], {}, turns, [first]],
  [
    'a key with a delegated selector is followed at once when none is delegated any more',
    [inTurn(first, 'Active', now - day)],
    {},
    managed,
    ['rsa'],
  ],
  [
    'a key whose selector was delegated to another zone is followed at once',
    [{ ...inTurn(first, 'Active', now - day), delegatedTo: `${first}.example.org._dkim.old.example` }],
    {},
    turns,
    [second],
  ],
])('with delegated selectors, %s', (_name, recorded, facts, wish, make) => {
  expect(stepped(recorded, facts, wish).make).toEqual(make)
})

test.each<[string, readonly DkimKey[], Facts, DkimWish, readonly string[]]>([
  ['the first key signs when seen once more', [inTurn(first, 'Published', now - 1)], hours(0), turns, ['1 Active']],
  [
    'a later key does not sign while receivers may have the former record of its selector',
    [inTurn(second, 'Active', due), inTurn(first, 'Published', now - 3 * hour + 1)],
    hours(0),
    turns,
    ['2 Active', '1 Published'],
  ],
  [
    'a later key does not sign where the last look was too early',
    [inTurn(second, 'Active', due), inTurn(first, 'Published', now - 4 * hour)],
    hours(2),
    turns,
    ['2 Active', '1 Published'],
  ],
  [
    'a later key signs when three hours have passed and its record is seen',
    [inTurn(second, 'Active', due), inTurn(first, 'Published', now - 3 * hour)],
    { ...hours(0), inUse: { [second]: 'yes' } },
    turns,
    ['2 Active', '1 Active'],
  ],
  [
    'a Pending key with a selector of its own retires, since its record is not published any more',
    [inTurn(first, 'Active', due), key('a', 'Pending', now - day)],
    {},
    turns,
    ['1 Active', 'a Retiring'],
  ],
  [
    'a key of which only the Secret and a relay know stays Pending',
    [],
    { held: ['a'], inUse: { a: 'yes' } },
    turns,
    ['a Pending'],
  ],
])('with delegated selectors, %s', (_name, recorded, facts, wish, stages) => {
  const told = stepped(recorded, facts, wish).stages.map((text) => text.replace('rf-prod-rsa-', ''))
  expect(told).toEqual(stages)
})

test('of two keys with one selector only the later is in the status, and it is not erased in place of the former', () => {
  const [old, fresh] = ['old', 'new'].map((publicKey) => ({
    selector: first,
    algorithm: 'rsa2048' as const,
    publicKey,
  }))
  const signs = inTurn(second, 'Active', now - day)
  const own = { selector: second, algorithm: 'rsa2048', publicKey: signs.publicKey } as const
  const recorded: readonly DkimKey[] = [{ ...inTurn(first, 'Retired', now - day), ...old }, signs]
  const look = (held: DkimObservations['held']) =>
    dkimStep(recorded, turns, { held, recordOf: () => undefined, inUse: () => 'no', expireAfterMs: day }, now)
  const step = look([own, ...(fresh ? [fresh] : [])])
  expect(step.keys.map((k) => `${k.publicKey} ${k.stage} ${k.delegatedTo}`)).toEqual([
    `${signs.publicKey} Active ${second}.example.org._dkim.keys.example`,
    `new Pending ${first}.example.org._dkim.keys.example`,
  ])
  expect(step.erase).toEqual([])
  expect(step.publish.map((k) => k.publicKey)).toEqual([signs.publicKey, 'new'])
  expect(look([own, ...(old ? [old] : [])]).erase).toEqual([first])
})

test('a key in the Secret with the selector of a key that is still Retiring is ignored', () => {
  const recorded = [inTurn(first, 'Retiring', now - day), inTurn(second, 'Active', now - day)]
  const held = [{ selector: first, algorithm: 'rsa2048', publicKey: 'another' } as const]
  const step = dkimStep(
    recorded,
    turns,
    { held, recordOf: () => undefined, inUse: () => 'no', expireAfterMs: day },
    now,
  )
  expect(step.keys.map((k) => k.publicKey)).toEqual(recorded.map((k) => k.publicKey))
})
