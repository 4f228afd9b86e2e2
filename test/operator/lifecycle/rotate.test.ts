/** What becomes of a credential's keys, row by row: the record, the Secret, what is known, and what follows. */
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

describe('is anything due?', () => {
  play([
    ['not within its time', {}, 'a Active', 'rest'],
    ['after it', { keys: [key('a', { createdAt: ago(31 * day) })] }, 'a Active', 'make'],
    [
      'never by the clock, without every',
      { rotation: { overlapMs: 2 * day, trigger: '' }, keys: [key('a', { createdAt: ago(900 * day) })] },
      'a Active',
      'rest',
    ],
    ['by a trigger that its key does not know', { rotation: { ...rotation, trigger: 't1' } }, 'a Active', 'make'],
    [
      'not by the same trigger again',
      { rotation: { ...rotation, trigger: 't1' }, keys: [key('a', { trigger: 't1' })] },
      'a Active',
      'rest',
    ],
    ['not by a trigger that was taken away', { keys: [key('a', { trigger: 't1' })] }, 'a Active', 'rest'],
    [
      'not while another is on its way',
      { keys: [pending('b'), key('a', { createdAt: ago(31 * day) })], atHand: 'b' },
      'b Pending, a Active',
      'rest',
    ],
    [
      'what was recorded before there was rotation is Active, and begins now',
      { keys: [{ id: 'a', verifier: 'sha256:a' }] },
      'a Active',
      'rest',
    ],
    [
      'a stamp of a clock that was a month ahead is not waited for',
      { keys: [key('a', { createdAt: inTime(30 * day) })], rotation: { ...rotation, everyMs: 0 } },
      'a Active',
      'make',
    ],
  ])
})

describe('a key on its way', () => {
  const keys = [pending('b'), key('a')]
  play([
    ['waits until relays accept it', { keys, atHand: 'b' }, 'b Pending, a Active', 'rest'],
    ['is handed out then', { keys, atHand: 'b', isReached: true }, 'b Pending, a Active', 'handOut'],
    ['whose password died with an operator is forgotten, and nothing is owed', { keys }, 'a Active', 'rest'],
    ['… or another is made', { keys, rotation: { ...rotation, trigger: 't' } }, 'a Active', 'make'],
    [
      'that the Secret holds is Active, whoever wrote it',
      { keys, secret: inSecret('b') },
      'b Active, a Retiring',
      'rest',
    ],
    [
      'ends earlier ones at once where there is no overlap',
      { keys, secret: inSecret('b'), rotation: { ...rotation, overlapMs: 0 } },
      'b Active',
      'rest, a atOnce',
    ],
    [
      'by the clock leaves who is retiring still',
      { keys: [...keys, retiring('z', day)], secret: inSecret('b') },
      'b Active, a Retiring, z Retiring',
      'rest',
    ],
    [
      'by a trigger ends who is retiring still, used or not',
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

  test('what it replaces ends at the next rotation by the clock, whoever uses it; without a clock at no time', () => {
    const step = (over: Rotation) => nextKeys(facts({ keys, secret: inSecret('b'), rotation: over }))
    expect(step(rotation).keys[1]).toMatchObject({ id: 'a', replacedAt: ago(0), expiresAt: inTime(30 * day) })
    expect(step({ overlapMs: 2 * day, trigger: '' }).keys[1]).not.toHaveProperty('expiresAt')
    expect(step(rotation).handedOut?.id).toBe('b')
  })
})

describe('an earlier key', () => {
  const keys = (replacedAgo: number, over: Partial<Key> = {}) => [
    key('b', { createdAt: ago(replacedAgo) }),
    retiring('a', replacedAgo, over),
  ]
  const secret = inSecret('b')
  const both = 'b Active, a Retiring'
  play([
    ['stays for its overlap', { keys: keys(day), secret }, both, 'rest'],
    ['goes then, unused', { keys: keys(2 * day), secret }, 'b Active', 'rest, a unused'],
    [
      '… where it was used before it was replaced',
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
    ['goes after that', { keys: keys(9 * day), secret, heard: heard({ a: 2 * day }) }, 'b Active', 'rest, a unused'],
    ['stays where relays have not told', { keys: keys(9 * day), secret, heard: heard({}, 'never') }, both, 'rest'],
    [
      'stays where they told before its time was over',
      { keys: keys(9 * day), secret, heard: heard({}, now - 7 * day - 1) },
      both,
      'rest',
    ],
    [
      'goes where they told since',
      { keys: keys(9 * day), secret, heard: heard({}, now - 7 * day) },
      'b Active',
      'rest, a unused',
    ],
    [
      'goes at its expiresAt, in use or not heard of',
      { keys: keys(day, { expiresAt: ago(0) }), secret, heard: heard({ a: 1 }, 'never') },
      'b Active',
      'rest, a expired',
    ],
    ['stays while the Secret holds it', { keys: keys(9 * day), secret: inSecret('a') }, both, 'make'],
  ])
})

describe('a Secret that holds', () => {
  play([
    ['the first password there is', { keys: [] }, 'a Active', 'rest'],
    [
      'one that was made when it was gone, and never recorded',
      { secret: inSecret('b', 'a') },
      'b Active, a Retiring',
      'rest',
    ],
    ['one that nobody knows: a new one is made, and it is not accepted', { secret: inSecret('x') }, 'a Active', 'make'],
    ['one of a backup, made for the want of a key long gone', { secret: inSecret('x', 'y') }, 'a Active', 'make'],
    [
      'an earlier one: a new one is made, since nobody has the newest',
      { keys: [key('b'), retiring('a', day)] },
      'b Active, a Retiring',
      'make',
    ],
  ])

  test('the first one satisfies the trigger that is there already', () => {
    const step = nextKeys(facts({ keys: [], rotation: { ...rotation, trigger: 't' } }))
    expect([step.keys[0]?.trigger, step.act]).toEqual(['t', 'rest'])
  })
})

test('a Secret that is deleted again and again leaves no more keys than a status has room for; the oldest go, and are told', () => {
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

test('looks again when something ends, and no earlier', () => {
  const at = (over: Partial<KeyFacts>): number => nextKeys(facts(over)).at - now
  expect(at({})).toBe(dueAt(key('a'), rotation) - now)
  expect(at({ keys: [key('b', { createdAt: ago(hour) }), retiring('a', hour)], secret: inSecret('b') })).toBe(47 * hour)
  expect(at({ rotation: { overlapMs: day, trigger: '' } })).toBe(Number.POSITIVE_INFINITY)
})

test('keys of one hour are not all due in one hour, and none is late', () => {
  const dues = ['00000000', '7fffffff', 'ffffffff'].map((id) => (dueAt(key(id), rotation) - now + 10 * day) / day)
  expect(dues.map((d) => Math.round(d * 10) / 10)).toEqual([30, 28.5, 27])
})
