/** Which smarthost takes a message. */
import { expect, test } from 'vitest'
import { type Candidate, choose, isHurried } from '../../../relay/delivery/choose.ts'
import { type Health, unproven } from '../../../relay/delivery/health.ts'

const healthy: Health = { ...unproven, proven: true }
const ejected: Health = { ...unproven, ejectedUntil: 1000 }
/** It was left out; that time is over, and it has carried no mail since. */
const failed: Health = { ...unproven, ejections: 1, ejectedUntil: 400 }
type Preferred = Candidate & { readonly priority: number }
const candidate = (name: string, rest: Partial<Preferred> = {}): Preferred => ({
  name,
  priority: 0,
  places: 2,
  morePlacesInMs: Number.POSITIVE_INFINITY,
  inUse: 0,
  health: healthy,
  movedAt: 0,
  lingers: false,
  ...rest,
})
const rankedOf = (candidates: readonly Preferred[]) => candidates.map((pool) => ({ pool, priority: pool.priority }))
const chosen = (
  candidates: readonly Preferred[],
  { tried, turn = 0, now = 500 }: { tried?: string[]; turn?: number; now?: number } = {},
) => {
  const choice = choose(rankedOf(candidates), tried && new Set(tried), now, turn)
  return choice.kind === 'use' ? choice.candidate.name : choice
}

const a = candidate('a')
const b = candidate('b')
const backup = candidate('backup', { priority: 1 })

test.each([
  ['one of the lowest priority', [a, backup], {}, 'a'],
  ['equals take turns', [a, b], { turn: 1 }, 'b'],
  ['behind the last of the equals the first one has its turn again', [a, b], { turn: 2 }, 'a'],
  [
    'the only one, and not while it is left out',
    [candidate('a', { health: ejected })],
    {},
    { kind: 'down', until: 1000 },
  ],
  ['the only one, and not for a message that it has failed', [a], { tried: ['a'] }, { kind: 'down' }],
  ['the only one, and not while it is full', [candidate('a', { inUse: 2 })], {}, { kind: 'busy' }],
  [
    'the only one, and not while it asks for a pause',
    [candidate('a', { health: { ...healthy, pausedUntil: 900 } })],
    {},
    { kind: 'busy', until: 900 },
  ],
  ['of two equals the one that has a free place', [candidate('a', { inUse: 2 }), b], {}, 'b'],
  [
    'a full one is waited for, since a backup does not help out a busy one',
    [candidate('a', { inUse: 2 }), backup],
    {},
    { kind: 'busy', until: 30_000 },
  ],
  [
    'one that is full and has ended nothing for half a minute is not waited for',
    [candidate('a', { inUse: 2, movedAt: 400 }), backup],
    { now: 30_400 },
    'backup',
  ],
  [
    'one that has ended something since is waited for',
    [candidate('a', { inUse: 2, movedAt: 401 }), backup],
    { now: 30_400 },
    { kind: 'busy', until: 30_401 },
  ],
  ['one that has a free place is never stuck', [candidate('a', { inUse: 1 }), backup], { now: 90_000 }, 'a'],
  [
    'where all are full for long, whichever is free next',
    [candidate('a', { inUse: 2 }), candidate('backup', { priority: 1, inUse: 2 })],
    { now: 90_000 },
    { kind: 'busy' },
  ],
  [
    'one that is full is waited for until it may be stuck, also while the backup is left out',
    [candidate('a', { inUse: 2 }), candidate('backup', { priority: 1, health: ejected })],
    {},
    { kind: 'busy', until: 30_000 },
  ],
  [
    'a full one is waited for, until it may have more places',
    [candidate('a', { inUse: 2, morePlacesInMs: 700 }), backup],
    {},
    { kind: 'busy', until: 1200 },
  ],
  ['one that is left out is passed over', [candidate('a', { health: ejected }), backup], {}, 'backup'],
  [
    'one that was left out is chosen again when that time is over',
    [candidate('a', { health: ejected }), backup],
    { now: 1000 },
    'a',
  ],
  ['one that failed this message is passed over', [a, b, backup], { tried: ['a'] }, 'b'],
  [
    'when all of one priority have failed this message, one of the next priority',
    [a, b, backup],
    { tried: ['a', 'b'] },
    'backup',
  ],
  [
    'one that failed this message is passed over while another one is full, until that may be stuck',
    [a, candidate('b', { inUse: 2 })],
    { tried: ['a'] },
    { kind: 'busy', until: 30_000 },
  ],
  [
    'one that may be stuck is not waited for by a message that the other one has failed',
    [a, candidate('b', { inUse: 2 })],
    { tried: ['a'], now: 30_000 },
    { kind: 'down' },
  ],
  [
    'one whose probe may be stuck is not waited for by a message that the other one has failed',
    [a, candidate('b', { health: failed, inUse: 1 })],
    { tried: ['a'], now: 30_000 },
    { kind: 'down' },
  ],
  ['when all have failed this message, nobody', [a, backup], { tried: ['a', 'backup'] }, { kind: 'down' }],
  [
    'when all are left out, nobody, until the time of the first one is over',
    [candidate('a', { health: ejected }), candidate('b', { health: { ...ejected, ejectedUntil: 700 } })],
    {},
    { kind: 'down', until: 700 },
  ],
  ['one that has not worked yet is tried', [candidate('a', { health: unproven })], {}, 'a'],
  [
    'one that has not worked yet is tried by one message at a time',
    [candidate('a', { health: unproven, inUse: 1 }), backup],
    {},
    { kind: 'busy', until: 30_000 },
  ],
  ['one that failed is probed when its time is over', [candidate('a', { health: failed }), backup], {}, 'a'],
  ['one that failed is probed, whosever turn it is', [candidate('a', { health: failed }), backup], { turn: 1 }, 'a'],
  [
    'while one that failed is probed, the next priority takes the other messages',
    [candidate('a', { health: failed, inUse: 1 }), backup],
    {},
    'backup',
  ],
  [
    'while one that failed is probed, an equal comes before the next priority',
    [candidate('a', { health: failed, inUse: 1 }), b, backup],
    { turn: 1 },
    'b',
  ],
  [
    'while one that failed is probed, a full equal is waited for',
    [candidate('a', { health: failed, inUse: 1 }), candidate('b', { inUse: 2 }), backup],
    {},
    { kind: 'busy', until: 30_000 },
  ],
  [
    'while one that failed is probed, one of the next priority may be probed as well',
    [candidate('a', { health: failed, inUse: 1 }), candidate('backup', { priority: 1, health: failed })],
    {},
    'backup',
  ],
  [
    'two that failed are probed by one message each',
    [candidate('a', { health: failed, inUse: 1 }), candidate('backup', { priority: 1, health: failed, inUse: 1 })],
    {},
    { kind: 'busy' },
  ],
  [
    'while one that failed is probed, a backup that is left out is tried when its time is over',
    [candidate('a', { health: failed, inUse: 1 }), candidate('backup', { priority: 1, health: ejected })],
    {},
    { kind: 'busy', until: 1000 },
  ],
  [
    'a full backup is waited for, until the main one that is left out may be tried again',
    [
      candidate('a', { health: ejected }),
      candidate('backup', { priority: 1, inUse: 2 }),
      candidate('last', { priority: 2 }),
    ],
    {},
    { kind: 'busy', until: 1000 },
  ],
  [
    'one that failed and asks for a pause is not waited for',
    [candidate('a', { health: { ...failed, pausedUntil: 900 } }), backup],
    {},
    'backup',
  ],
  [
    'one that works and asks for a pause is waited for',
    [candidate('a', { health: { ...healthy, pausedUntil: 900 } }), backup],
    {},
    { kind: 'busy', until: 900 },
  ],
  [
    'case U23: one that has taken nothing for a minute, and asks for a pause once more, is not waited for',
    [candidate('a', { health: { ...healthy, pauses: 6, pausedUntil: 900 } }), backup],
    {},
    'backup',
  ],
  [
    'case U23: … and an equal comes before the next priority',
    [candidate('a', { health: { ...healthy, pauses: 6, pausedUntil: 900 } }), candidate('b', { inUse: 2 }), backup],
    {},
    { kind: 'busy', until: 900 },
  ],
  [
    'case U23: … and is probed when its pause is over',
    [candidate('a', { health: { ...healthy, pauses: 6 } }), backup],
    {},
    'a',
  ],
  [
    'case U23: … by one message, and the next priority takes the others',
    [candidate('a', { health: { ...healthy, pauses: 6 }, inUse: 1 }), backup],
    {},
    'backup',
  ],
  ['of no smarthosts, nobody', [], {}, { kind: 'down' }],
] as const)('which smarthost is chosen: %s', (_name, candidates, how, expected) => {
  expect(chosen(candidates, how as Parameters<typeof chosen>[1])).toEqual(expected)
})

test.each([
  ['yes, while another one works', [a, b], {}, true],
  ['yes, while a backup has not been tried', [a, candidate('backup', { priority: 1, health: unproven })], {}, true],
  ['yes, while others of its priority are occupied', [a, candidate('b', { inUse: 2 })], {}, true],
  ['no, when the other one is left out', [a, candidate('b', { health: ejected })], {}, false],
  ['no, when the other one has failed since it worked', [a, candidate('b', { health: failed })], {}, false],
  ['no, when the other one has failed this message', [a, b], { tried: ['b'] }, false],
  ['no, when there is no other one', [a], {}, false],
] as const)('whether one that is silent before MAIL is waited for less long (decision 0054): %s', (_name, candidates, {
  tried,
}: { tried?: readonly string[] }, hurried) => {
  expect(isHurried(rankedOf(candidates), tried && new Set(tried), a, 500)).toBe(hurried)
})

test('of equals, one that has an idle connection is used, whosever turn it is', () => {
  const equals = [candidate('a'), candidate('b', { lingers: true }), candidate('c')]
  for (const turn of [0, 1, 2])
    expect(choose(rankedOf(equals), undefined, 500, turn)).toMatchObject({ candidate: { name: 'b' } })
})
