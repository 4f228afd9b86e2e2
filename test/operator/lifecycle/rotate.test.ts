/** The keys of a credential move through their states by the record, the Secret and what relays tell of their use. */
import { describe, expect, test } from 'vitest'
import type { Heard, Key, Rotation } from '../../../operator/lifecycle/keys.ts'
import { dueAt, type KeyFacts, nextKeys, withPending } from '../../../operator/lifecycle/rotate.ts'

const hour = 3_600_000
const day = 24 * hour
const now = Date.parse('2026-06-01T00:00:00Z')
const ago = (ms: number): string => new Date(now - ms).toISOString()
const inTime = (ms: number): string => new Date(now + ms).toISOString()

const key = (id: string, over: Partial<Key> = {}): Key => ({
  id,
  verifier: `sha256:${id}`,
  state: 'Active',
  createdAt: ago(10 * day),
  ...over,
})
const retiring = (id: string, replacedAgo: number, over: Partial<Key> = {}): Key =>
  key(id, { state: 'Retiring', replacedAt: ago(replacedAgo), ...over })
const pending = (id: string, over: Partial<Key> = {}): Key => key(id, { state: 'Pending', createdAt: ago(0), ...over })
const rotation: Rotation = { everyMs: 30 * day, overlapMs: 2 * day, trigger: '' }
const heard = (uses: Readonly<Record<string, number>> = {}, upTo: number | 'never' = now): Heard => ({
  uses: new Map(Object.entries(uses).map(([id, msAgo]) => [id, { at: now - msAgo, network: '192.0.2.0/24' }])),
  upTo: upTo === 'never' ? undefined : upTo,
})
const inSecret = (id: string, replaces?: string) => ({
  id,
  verifier: `sha256:${id}`,
  ...(replaces !== undefined && { replaces }),
})
const facts = (over: Partial<KeyFacts> = {}): KeyFacts => ({
  keys: [key('a')],
  rotation,
  secret: inSecret('a'),
  atHand: undefined,
  isReached: false,
  heard: heard(),
  now,
  ...over,
})
const outline = (keys: readonly Key[]): string => keys.map(({ id, state }) => `${id} ${state}`).join(', ')

type Row = readonly [string, Partial<KeyFacts>, string, string]
const told = (over: Partial<KeyFacts>): readonly [string, string] => {
  const step = nextKeys(facts(over))
  const retired = step.retired.map((r) => `${r.key.id} ${r.why}`)
  return [outline(step.keys), [step.act, ...retired].join(', ')]
}
const play = (rows: readonly Row[]): void => {
  test.each(rows)('%s', (_name, over, keys, act) => {
    expect(told(over)).toEqual([keys, act])
  })
}

describe('a new key', () => {
  play([
    ['is not made while the active one is younger than every', {}, 'a Active', 'rest'],
    [
      'is made when the active one is older than every',
      { keys: [key('a', { createdAt: ago(31 * day) })] },
      'a Active',
      'make',
    ],
    [
      'is never made by the clock without every',
      { rotation: { overlapMs: 2 * day, trigger: '' }, keys: [key('a', { createdAt: ago(900 * day) })] },
      'a Active',
      'rest',
    ],
    [
      'is made for a trigger that the active one does not have',
      { rotation: { ...rotation, trigger: 't1' } },
      'a Active',
      'make',
    ],
    [
      'is not made for the trigger that the active one has',
      { rotation: { ...rotation, trigger: 't1' }, keys: [key('a', { trigger: 't1' })] },
      'a Active',
      'rest',
    ],
    ['is not made when the trigger is removed', { keys: [key('a', { trigger: 't1' })] }, 'a Active', 'rest'],
    [
      'is not made while another one is Pending',
      { keys: [pending('b'), key('a', { createdAt: ago(31 * day) })], atHand: 'b' },
      'b Pending, a Active',
      'rest',
    ],
    [
      'is not made for a key that was recorded without a state, which becomes Active now',
      { keys: [{ id: 'a', verifier: 'sha256:a' }] },
      'a Active',
      'rest',
    ],
    [
      'is made though the active one has a time in the future, from a clock that was ahead',
      { keys: [key('a', { createdAt: inTime(30 * day) })], rotation: { ...rotation, everyMs: 0 } },
      'a Active',
      'make',
    ],
  ])
})

describe('a Pending key', () => {
  const keys = [pending('b'), key('a')]
  play([
    ['waits until every relay accepts it', { keys, atHand: 'b' }, 'b Pending, a Active', 'rest'],
    [
      'is handed out when every relay accepts it',
      { keys, atHand: 'b', isReached: true },
      'b Pending, a Active',
      'handOut',
    ],
    [
      'whose password was lost with an operator is dropped, and none is made where none is due',
      { keys },
      'a Active',
      'rest',
    ],
    [
      'whose password was lost with an operator is dropped, and another is made where one is due',
      { keys, rotation: { ...rotation, trigger: 't' } },
      'a Active',
      'make',
    ],
    [
      'becomes Active when the Secret has it, and the former one becomes Retiring',
      { keys, secret: inSecret('b') },
      'b Active, a Retiring',
      'rest',
    ],
    [
      'ends the former one at once where there is no overlap',
      { keys, secret: inSecret('b'), rotation: { ...rotation, overlapMs: 0 } },
      'b Active',
      'rest, a atOnce',
    ],
    [
      'that was made by the clock lets earlier keys go on retiring',
      { keys: [...keys, retiring('z', day)], secret: inSecret('b') },
      'b Active, a Retiring, z Retiring',
      'rest',
    ],
    [
      'that was made by a trigger ends earlier keys that retire, used or not',
      {
        keys: [pending('b', { trigger: 't' }), key('a'), retiring('z', day)],
        secret: inSecret('b'),
        rotation: { ...rotation, trigger: 't' },
        heard: heard({ z: 60_000 }),
      },
      'b Active, a Retiring',
      'rest, z forced',
    ],
  ])

  test('sets the end of the former one to the next rotation by the clock, and none without every', () => {
    const step = (over: Rotation) => nextKeys(facts({ keys, secret: inSecret('b'), rotation: over }))
    expect(step(rotation).keys[1]).toMatchObject({ id: 'a', replacedAt: ago(0), expiresAt: inTime(30 * day) })
    expect(step({ overlapMs: 2 * day, trigger: '' }).keys[1]).not.toHaveProperty('expiresAt')
    expect(step(rotation).handedOut?.id).toBe('b')
  })
})

describe('a Retiring key', () => {
  const keys = (replacedAgo: number, over: Partial<Key> = {}) => [
    key('b', { createdAt: ago(replacedAgo) }),
    retiring('a', replacedAgo, over),
  ]
  const secret = inSecret('b')
  const both = 'b Active, a Retiring'
  play([
    ['stays during the overlap', { keys: keys(day), secret }, both, 'rest'],
    ['ends after the overlap if it was not used', { keys: keys(2 * day), secret }, 'b Active', 'rest, a unused'],
    [
      'ends after the overlap if it was used only before it was replaced',
      { keys: keys(2 * day), secret, heard: heard({ a: 3 * day }) },
      'b Active',
      'rest, a unused',
    ],
    [
      'stays for one overlap after each use',
      { keys: keys(9 * day), secret, heard: heard({ a: 2 * day - 1 }) },
      both,
      'rest',
    ],
    [
      'ends when one overlap has passed since its last use',
      { keys: keys(9 * day), secret, heard: heard({ a: 2 * day }) },
      'b Active',
      'rest, a unused',
    ],
    [
      'stays where relays have not told of its use',
      { keys: keys(9 * day), secret, heard: heard({}, 'never') },
      both,
      'rest',
    ],
    [
      'stays where relays last told of its use within the overlap',
      { keys: keys(9 * day), secret, heard: heard({}, now - 7 * day - 1) },
      both,
      'rest',
    ],
    [
      'ends where relays told after the overlap that it was not used',
      { keys: keys(9 * day), secret, heard: heard({}, now - 7 * day) },
      'b Active',
      'rest, a unused',
    ],
    [
      'ends at its expiresAt, whether it is used or not',
      { keys: keys(day, { expiresAt: ago(0) }), secret, heard: heard({ a: 1 }, 'never') },
      'b Active',
      'rest, a expired',
    ],
    [
      'stays while the Secret has it, and a new one is made',
      { keys: keys(9 * day), secret: inSecret('a') },
      both,
      'make',
    ],
  ])
})

describe('a Secret with', () => {
  play([
    ['the first password makes its key Active', { keys: [] }, 'a Active', 'rest'],
    [
      'a password that replaced a missing one, and was not recorded, makes its key Active and the former one Retiring',
      { secret: inSecret('b', 'a') },
      'b Active, a Retiring',
      'rest',
    ],
    [
      'an unknown password gets a new one, and the unknown one is not accepted',
      { secret: inSecret('x') },
      'a Active',
      'make',
    ],
    [
      'a password from a backup, which replaced a key that is gone, gets a new one',
      { secret: inSecret('x', 'y') },
      'a Active',
      'make',
    ],
    [
      'an earlier password gets a new one, since nobody has the newest',
      { keys: [key('b'), retiring('a', day)] },
      'b Active, a Retiring',
      'make',
    ],
  ])

  test('the first password takes over the trigger that is declared, so that none is made for it', () => {
    const step = nextKeys(facts({ keys: [], rotation: { ...rotation, trigger: 't' } }))
    expect([step.keys[0]?.trigger, step.act]).toEqual(['t', 'rest'])
  })
})

test('a Secret that is deleted again and again leaves at most seven keys, and the oldest are ended and told as crowded', () => {
  let keys: readonly Key[] = [key('0')]
  const gone: string[] = []
  for (let n = 1; n < 12; n++) {
    const step = nextKeys(facts({ keys, secret: inSecret(String(n), String(n - 1)) }))
    keys = step.keys
    gone.push(...step.retired.map((r) => `${r.key.id} ${r.why}`))
  }
  expect(keys).toHaveLength(7)
  expect(withPending(keys, inSecret('p'), rotation, now)).toHaveLength(8)
  expect(gone).toEqual(['0 crowded', '1 crowded', '2 crowded', '3 crowded', '4 crowded'])
})

test('the next look is due when the first key ends or is due, and never where neither happens', () => {
  const at = (over: Partial<KeyFacts>): number => nextKeys(facts(over)).at - now
  expect(at({})).toBe(dueAt(key('a'), rotation) - now)
  expect(at({ keys: [key('b', { createdAt: ago(hour) }), retiring('a', hour)], secret: inSecret('b') })).toBe(47 * hour)
  expect(at({ rotation: { overlapMs: day, trigger: '' } })).toBe(Number.POSITIVE_INFINITY)
})

test('keys that were made together are due spread over the last tenth of every, and none later', () => {
  const dues = ['00000000', '7fffffff', 'ffffffff'].map((id) => (dueAt(key(id), rotation) - now + 10 * day) / day)
  expect(dues.map((d) => Math.round(d * 10) / 10)).toEqual([30, 28.5, 27])
})
