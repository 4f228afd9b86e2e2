/** What becomes of a domain's DKIM keys, step by step: stages, new keys, what signs, what is published, what is erased. */
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
  readonly inUse?: Readonly<Record<string, KeySighting['inUse']>>
}

function stepped(recorded: readonly DkimKey[], facts: Facts = {}, wish = managed) {
  const { held = recorded.map((k) => k.selector), seen = {}, checkedAt = now, inUse = {} } = facts
  const observations: DkimObservations = {
    held: held.map((selector) => ({ selector, algorithm: 'rsa2048', publicKey: `key of ${selector}` })),
    recordOf: ({ selector: s }) => (seen[s] === undefined ? undefined : { seen: seen[s], checkedAt }),
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
  ['one that is at hand and not recorded begins', [], { held: ['a'] }, managed, ['a Pending']],
  ['nobody has asked for its record yet', [key('a', 'Pending', now)], {}, managed, ['a Pending']],
  ['one server lacks it', [key('a', 'Pending', now - 1)], { seen: { a: 'somewhere' } }, managed, ['a Pending']],
  ['every server shows it', [key('a', 'Pending', now - 1)], { seen: { a: 'everywhere' } }, managed, ['a Published']],
  [
    'the look that found it is not enough',
    [key('a', 'Published', now)],
    { seen: { a: 'everywhere' } },
    managed,
    ['a Published'],
  ],
  ['nobody has looked since the operator began', [key('a', 'Published', now - 1)], {}, managed, ['a Published']],
  ['seen once more, it signs', [key('a', 'Published', now - 1)], { seen: { a: 'everywhere' } }, managed, ['a Active']],
  [
    'its record went before it signed',
    [key('a', 'Published', now - 1)],
    { seen: { a: 'nowhere' } },
    managed,
    ['a Pending'],
  ],
  [
    'its private key is lost before it signed',
    [key('a', 'Published', now - 1)],
    { held: [], seen: { a: 'everywhere' } },
    managed,
    ['a Retired'],
  ],
  [
    'the follower signs, and both are in use',
    [active, key('b', 'Published', now - 1)],
    { seen: { b: 'everywhere' }, inUse: { a: 'yes' } },
    managed,
    ['a Active', 'b Active'],
  ],
  [
    'a relay has not left it yet',
    [active, key('b', 'Active', now - hour)],
    { inUse: { a: 'yes' } },
    managed,
    ['a Active', 'b Active'],
  ],
  [
    'a relay does not tell',
    [active, key('b', 'Active', now - hour)],
    { inUse: { a: 'unknown' } },
    managed,
    ['a Active', 'b Active'],
  ],
  ['every relay has left it', [active, key('b', 'Active', now - hour)], {}, managed, ['a Retiring', 'b Active']],
  ['its mail is under way', [key('a', 'Retiring', now - 8 * day + 1), active], {}, managed, ['a Retiring', 'a Active']],
  ['its mail has arrived', [key('x', 'Retiring', now - 8 * day), active], {}, managed, ['x Retired', 'a Active']],
  [
    'its time is over and a relay does not tell',
    [key('x', 'Retiring', now - 9 * day), active],
    { inUse: { x: 'unknown' } },
    managed,
    ['x Retiring', 'a Active'],
  ],
  [
    'a relay has come back with it',
    [key('x', 'Retiring', now - 9 * day), active],
    { inUse: { x: 'yes' } },
    managed,
    ['x Active', 'a Active'],
  ],
  ['the owner wants none any more, and relays sign', [active], { inUse: { a: 'yes' } }, other, ['a Active']],
  ['the owner wants none any more', [active, key('b', 'Pending', now)], {}, other, ['a Retiring', 'b Retired']],
  [
    'of those that are over one is told of',
    [key('x', 'Retired', 0), key('y', 'Retired', 0), active],
    { held: ['a'] },
    managed,
    ['y Retired', 'a Active'],
  ],
  [
    'unless its private key is still there',
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
  ['one of each kind', [], {}, { ...managed, types: ['ed25519', 'rsa'] }, ['rsa', 'ed25519']],
  ['one that comes is waited for, however long', [key('a', 'Pending', now - 300 * day)], {}, managed, []],
  ['one that signs is followed when its time has come', [key('a', 'Active', now - 90 * day)], {}, managed, ['rsa']],
  ['and not before', [key('a', 'Active', now - 90 * day + 1)], {}, managed, []],
  ['one whose private key is gone is followed at once', [active], { held: [] }, managed, ['rsa']],
  ['no second follower', [key('a', 'Active', now - 99 * day), key('b', 'Published', now)], {}, managed, []],
  ['what is not wanted is not made', [], {}, other, []],
  [
    'nor while too many still have their mail under way',
    [...Array.from({ length: 15 }, (_, i) => key(`k${i}`, 'Retiring', now)), key('a', 'Active', now - 99 * day)],
    {},
    managed,
    [],
  ],
])('%s', (_name, recorded, facts, wish, make) => {
  expect(stepped(recorded, facts, wish).make).toEqual(make)
})

test('what is recorded signs, not what is about to be', () => {
  const before = [active, key('b', 'Published', now - 1)]
  expect(stepped(before, { seen: { b: 'everywhere' } }).sign).toEqual(['a'])
  expect(stepped([active, key('b', 'Active', now)]).sign).toEqual(['b'])
})

test('where the status was lost, what relays sign with goes on, and its record stays', () => {
  expect(stepped([], { held: ['a'], inUse: { a: 'yes' } })).toMatchObject({ sign: ['a'], publish: ['a'], make: [] })
})

test('what has to go is erased only after that is recorded, and the record goes with it', () => {
  const ends = stepped([key('x', 'Retiring', now - 8 * day), active])
  expect(ends).toMatchObject({ erase: [], publish: ['x', 'a'] })
  expect(stepped([key('x', 'Retired', now), active])).toMatchObject({ erase: ['x'], publish: ['a'] })
})

test('a time that a wrong clock wrote far ahead begins anew', () => {
  expect(stepped([key('x', 'Retiring', now + 400 * day), active]).since[0]).toBe(now)
  expect(stepped([key('x', 'Retiring', now + hour), active]).since[0]).toBe(now + hour)
})

test('it says when time alone changes something', () => {
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
  ['the first key of all has the first selector', [], {}, turns, [first]],
  ['the next one has the other', [inTurn(first, 'Active', due)], {}, turns, [second]],
  [
    'the third has the first again',
    [inTurn(first, 'Retired', now - 80 * day), inTurn(second, 'Active', due)],
    { held: [second] },
    turns,
    [first],
  ],
  [
    'not while mail is under way that names it',
    [inTurn(first, 'Retiring', now - day), inTurn(second, 'Active', due)],
    {},
    turns,
    [],
  ],
  [
    'nor while the private key is still there',
    [inTurn(first, 'Retired', now - day), inTurn(second, 'Active', due)],
    {},
    turns,
    [],
  ],
  [
    'nor while a relay may have it',
    [inTurn(first, 'Retired', now - day), inTurn(second, 'Active', due)],
    { held: [second], inUse: { [first]: 'unknown' } },
    turns,
    [],
  ],
  ['one that nobody has had goes first', [inTurn(first, 'Retired', now - day)], { held: [] }, turns, [second]],
  ['a key with a selector of its own is followed at once', [active], {}, turns, [first]],
  [
    'and so is one in turn where nothing is delegated any more',
    [inTurn(first, 'Active', now - day)],
    {},
    managed,
    ['rsa'],
  ],
  [
    'or whose records were in another zone',
    [{ ...inTurn(first, 'Active', now - day), delegatedTo: `${first}.example.org._dkim.old.example` }],
    {},
    turns,
    [second],
  ],
])('in turns: %s', (_name, recorded, facts, wish, make) => {
  expect(stepped(recorded, facts, wish).make).toEqual(make)
})

test.each<[string, readonly DkimKey[], Facts, DkimWish, readonly string[]]>([
  [
    'the first of all signs when it is seen once more',
    [inTurn(first, 'Published', now - 1)],
    hours(0),
    turns,
    ['1 Active'],
  ],
  [
    'a later one does not while receivers may have the record of another',
    [inTurn(second, 'Active', due), inTurn(first, 'Published', now - 3 * hour + 1)],
    hours(0),
    turns,
    ['2 Active', '1 Published'],
  ],
  [
    'nor when nobody has looked for so long',
    [inTurn(second, 'Active', due), inTurn(first, 'Published', now - 4 * hour)],
    hours(2),
    turns,
    ['2 Active', '1 Published'],
  ],
  [
    'and then it does',
    [inTurn(second, 'Active', due), inTurn(first, 'Published', now - 3 * hour)],
    { ...hours(0), inUse: { [second]: 'yes' } },
    turns,
    ['2 Active', '1 Active'],
  ],
  [
    'one that waits where nobody publishes any more makes room',
    [inTurn(first, 'Active', due), key('a', 'Pending', now - day)],
    {},
    turns,
    ['1 Active', 'a Retiring'],
  ],
  [
    'unless a relay signs with it, of which nobody remembers',
    [],
    { held: ['a'], inUse: { a: 'yes' } },
    turns,
    ['a Pending'],
  ],
])('in turns: %s', (_name, recorded, facts, wish, stages) => {
  const told = stepped(recorded, facts, wish).stages.map((text) => text.replace('rf-prod-rsa-', ''))
  expect(told).toEqual(stages)
})

test('the key that has a selector after another one is told of alone, and is not erased for that one', () => {
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

test('a key that took the selector of one that is not over is not taken for anything', () => {
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

test('names in the target zone part the domain from the zone, so no two domains have one', () => {
  const its = (domain: string, targetZone: string) =>
    delegatedSelectors({ domain, targetZone, prefix: 'rf', environment: 'Production' }).rsa.map((s) => s.delegatedTo)
  expect(its('mail.corp.example', 'keys.example')).toEqual([
    'rf-prod-rsa-1.mail.corp.example._dkim.keys.example',
    'rf-prod-rsa-2.mail.corp.example._dkim.keys.example',
  ])
  expect(its('mail.corp', 'example.keys.example')[0]).toBe('rf-prod-rsa-1.mail.corp._dkim.example.keys.example')
})
