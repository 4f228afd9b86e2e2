import { expect, test } from 'vitest'
import { type Candidate, choose } from '../../../relay/delivery/choose.ts'
import { afterAttempt, describeHealth, type Health, unproven } from '../../../relay/delivery/health.ts'
import type { Outcome } from '../../../relay/mail/outcome.ts'
import type { Reply } from '../../../relay/mail/reply.ts'

const healthy: Health = { ...unproven, proven: true }
const named: Reply = { code: 421, status: '4.7.0', text: 'no mail for <bob@x.test> now' }
const ejected: Health = { ...unproven, ejectedUntil: 1000 }
/** Its time is over, and it has carried no mail since. */
const failed: Health = { ...unproven, ejections: 1, ejectedUntil: 400 }
const candidate = (name: string, rest: Partial<Candidate> = {}): Candidate => ({
  name,
  priority: 0,
  places: 2,
  inUse: 0,
  health: healthy,
  lingers: false,
  ...rest,
})
const chosen = (
  candidates: readonly Candidate[],
  { tried, turn = 0, now = 500 }: { tried?: string[]; turn?: number; now?: number } = {},
) => {
  const choice = choose(candidates, tried && new Set(tried), now, turn)
  return choice.kind === 'use' ? choice.candidate.name : choice
}

const a = candidate('a')
const b = candidate('b')
const backup = candidate('backup', { priority: 1 })

test.each([
  ['the lowest priority', [a, backup], {}, 'a'],
  ['in turn among equals', [a, b], { turn: 1 }, 'b'],
  ['and round again', [a, b], { turn: 2 }, 'a'],
  ['the free one of two', [candidate('a', { inUse: 2 }), b], {}, 'b'],
  [
    'a full one is waited for, the backup does not help out',
    [candidate('a', { inUse: 2 }), backup],
    {},
    { kind: 'busy' },
  ],
  ['an ejected one is passed over', [candidate('a', { health: ejected }), backup], {}, 'backup'],
  ['until its time is over', [candidate('a', { health: ejected }), backup], { now: 1000 }, 'a'],
  ['what failed this message is passed over', [a, b, backup], { tried: ['a'] }, 'b'],
  ['then the next priority', [a, b, backup], { tried: ['a', 'b'] }, 'backup'],
  ['then nobody', [a, backup], { tried: ['a', 'backup'] }, { kind: 'down' }],
  [
    'nobody works: when to look again',
    [candidate('a', { health: ejected }), candidate('b', { health: { ...ejected, ejectedUntil: 700 } })],
    {},
    { kind: 'down', until: 700 },
  ],
  ['one that has not worked yet is probed', [candidate('a', { health: unproven })], {}, 'a'],
  ['by one message at a time', [candidate('a', { health: unproven, inUse: 1 }), backup], {}, { kind: 'busy' }],
  ['one that failed is probed', [candidate('a', { health: failed }), backup], {}, 'a'],
  [
    'while it is probed the next priority takes the others',
    [candidate('a', { health: failed, inUse: 1 }), backup],
    {},
    'backup',
  ],
  [
    'an equal comes before the next priority',
    [candidate('a', { health: failed, inUse: 1 }), b, backup],
    { turn: 1 },
    'b',
  ],
  [
    'and is waited for when it is full',
    [candidate('a', { health: failed, inUse: 1 }), candidate('b', { inUse: 2 }), backup],
    {},
    { kind: 'busy' },
  ],
  [
    'the next priority may be probed beside it',
    [candidate('a', { health: failed, inUse: 1 }), candidate('backup', { priority: 1, health: failed })],
    {},
    'backup',
  ],
  [
    'by one message as well',
    [candidate('a', { health: failed, inUse: 1 }), candidate('backup', { priority: 1, health: failed, inUse: 1 })],
    {},
    { kind: 'busy' },
  ],
  [
    'a backup that is left out meanwhile is looked at when its time is over',
    [candidate('a', { health: failed, inUse: 1 }), candidate('backup', { priority: 1, health: ejected })],
    {},
    { kind: 'busy', until: 1000 },
  ],
  [
    'a full backup is waited for, and one that is left out before it',
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
    'a paused one is waited for',
    [candidate('a', { health: { ...healthy, pausedUntil: 900 } }), backup],
    {},
    { kind: 'busy', until: 900 },
  ],
  ['no smarthost at all', [], {}, { kind: 'down' }],
] as const)('%s', (_name, candidates, how, expected) => {
  expect(chosen(candidates, how as Parameters<typeof chosen>[1])).toEqual(expected)
})

test.each([
  ['while another works', [a, b], {}, true],
  ['while a backup has not been tried', [a, candidate('backup', { priority: 1, health: unproven })], {}, true],
  ['while others of its kind are occupied', [a, candidate('b', { inUse: 2 })], {}, true],
  ['not when the other is left out', [a, candidate('b', { health: ejected })], {}, false],
  ['nor when it has failed since it worked', [a, candidate('b', { health: failed })], {}, false],
  ['nor when it has failed this message', [a, b], { tried: ['b'] }, false],
  ['nor when there is no other', [a], {}, false],
] as const)('who is silent before MAIL is not waited for as long as may be, %s', (_name, candidates, {
  tried,
}: { tried?: readonly string[] }, hurried) => {
  expect(choose(candidates, tried && new Set(tried), 500, 0)).toEqual({ kind: 'use', candidate: a, hurried })
})

const failing: Outcome = { kind: 'deferred', scope: 'nextHop', reply: { code: 451, status: '4.4.1', text: 'refused' } }
const untrusted: Outcome = {
  kind: 'deferred',
  scope: 'nextHop',
  reply: { code: 451, status: '4.7.5', text: 'certificate' },
}
const unauthenticated: Outcome = { ...untrusted, reply: { code: 451, status: '4.7.8', text: 'login' } }
const lost: Outcome = { kind: 'ambiguous', reply: { code: 451, status: '4.4.2', text: 'lost' } }
const greylisted: Outcome = {
  kind: 'deferred',
  scope: 'recipient',
  reply: { code: 450, status: '4.2.0', text: 'later' },
}
const refused: Outcome = { kind: 'bounced', reply: { code: 550, status: '5.1.1', text: 'unknown' } }
const delivered: Outcome = { kind: 'delivered', reply: { code: 250, status: '2.0.0', text: 'queued' } }
const throttled: Outcome = {
  kind: 'deferred',
  scope: 'message',
  reply: { code: 454, status: '4.0.0', text: 'Throttling failure' },
}
const after = (health: Health, ...outcomes: readonly Outcome[]): Health =>
  outcomes.reduce((h, outcome) => afterAttempt(h, [outcome], Math.max(0, h.ejectedUntil)), health)

test.each([
  [
    'one that has never worked is left out at its first failure',
    unproven,
    [failing],
    { proven: false, ejectedUntil: 1000 },
  ],
  [
    'one that works is left out at its third failure in a row',
    healthy,
    [failing, lost, failing],
    { proven: false, ejectedUntil: 1000 },
  ],
  ['not at its second', healthy, [failing, failing], { proven: true, ejectedUntil: 0 }],
  ['success counts anew', healthy, [failing, failing, refused, failing], { proven: true, ejectedUntil: 0 }],
  ['a failed probe doubles the time', unproven, [failing, failing, failing], { ejectedUntil: 1000 + 2000 + 4000 }],
  ['a certificate is looked at again after a minute', healthy, [untrusted], { ejectedUntil: 60_000 }],
  ['case U22: a login is tried again after a minute', healthy, [unauthenticated], { ejectedUntil: 60_000 }],
  [
    'refusals of messages and recipients say nothing about it',
    healthy,
    [greylisted, refused, greylisted, refused],
    healthy,
  ],
  ['a probe that is refused has worked', unproven, [refused], { proven: true }],
  [
    'case U23: throttling pauses it, and ejects it not',
    healthy,
    [throttled],
    { proven: true, ejectedUntil: 0, pausedUntil: 1000 },
  ],
] as const)('%s', (_name, before, outcomes, expected) => {
  expect(after(before, ...outcomes)).toMatchObject(expected)
})

test('the time left out never passes a minute', () => {
  let health = unproven
  for (let i = 0; i < 50; i++) {
    const now = health.ejectedUntil
    health = afterAttempt(health, [failing], now)
    expect(health.ejectedUntil - now).toBeLessThanOrEqual(60_000)
  }
})

test('case U22: who is left out for a login is that for a minute, whatever ends on connections of before', () => {
  const out = afterAttempt(healthy, [unauthenticated], 0)
  for (const outcome of [refused, greylisted, throttled]) expect(afterAttempt(out, [outcome], 59_999)).toBe(out)
  expect(afterAttempt(out, [refused], 60_000)).toMatchObject({ proven: true, ejectedUntil: 0 })
})

test('case U23: what was in flight when it asked for a pause takes nothing of the pause back', () => {
  const paused = afterAttempt(healthy, [throttled], 0)
  for (const outcome of [refused, greylisted, throttled])
    expect(afterAttempt(paused, [outcome], 999)).toMatchObject({ proven: true, pausedUntil: 1000, pauses: 1 })
  expect(afterAttempt(paused, [refused], 1000)).toEqual(healthy)
})

test('case U23: who throttles some recipients and takes others is paused each time, and never for longer', () => {
  let health = healthy
  for (let i = 0; i < 8; i++) {
    const now = health.pausedUntil
    health = afterAttempt(health, [delivered, throttled], now)
    expect(health.pausedUntil - now).toBe(1000)
  }
})

test('failures of those in flight when it was left out do not prolong it', () => {
  const out = afterAttempt(unproven, [failing], 0)
  expect(afterAttempt(out, [failing], 10)).toBe(out)
})

test.each<[string, Health, number, ReturnType<typeof describeHealth>]>([
  ['not tried yet', unproven, 0, { health: 'unproven' }],
  ['one that works', healthy, 0, { health: 'healthy' }],
  [
    'left out, until when and why, and no address',
    { ...ejected, ejectedUntil: 60_000, lastFailure: named, lastFailureAt: 1000 },
    59_999,
    {
      health: 'ejected',
      ejectedUntil: '1970-01-01T00:01:00.000Z',
      lastReply: { code: 421, status: '4.7.0', text: 'no mail for <***> now', at: '1970-01-01T00:00:01.000Z' },
    },
  ],
  [
    'a probe is due, and it has carried no mail since',
    { ...ejected, ejections: 1, ejectedUntil: 60_000, lastFailure: named, lastFailureAt: 1000 },
    60_000,
    {
      health: 'ejected',
      lastReply: { code: 421, status: '4.7.0', text: 'no mail for <***> now', at: '1970-01-01T00:00:01.000Z' },
    },
  ],
  [
    'asked for a pause',
    afterAttempt(healthy, [throttled], 5000),
    5000,
    {
      health: 'paused',
      lastReply: { code: 454, status: '4.0.0', text: 'Throttling failure', at: '1970-01-01T00:00:05.000Z' },
    },
  ],
  [
    'the pause is over, and it has carried no mail since',
    afterAttempt(healthy, [throttled], 5000),
    3_600_000,
    {
      health: 'paused',
      lastReply: { code: 454, status: '4.0.0', text: 'Throttling failure', at: '1970-01-01T00:00:05.000Z' },
    },
  ],
  [
    'it has worked since',
    afterAttempt(afterAttempt(healthy, [failing], 5000), [refused], 6000),
    6000,
    { health: 'healthy' },
  ],
])('told: %s', (_name, health, now, expected) => {
  expect(describeHealth(health, now, (at) => new Date(at).toISOString())).toEqual(expected)
})

test("of equals, one with a connection open is used before it is anybody's turn", () => {
  const equals = [candidate('a'), candidate('b', { lingers: true }), candidate('c')]
  for (const turn of [0, 1, 2]) expect(choose(equals, undefined, 500, turn)).toMatchObject({ candidate: { name: 'b' } })
})
