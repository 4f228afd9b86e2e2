/** What attempts make of the health of a smarthost, and what the status says of it. */
import { expect, test } from 'vitest'
import { afterAttempt, describeHealth, type Health, unproven } from '../../../relay/delivery/health.ts'
import type { Outcome } from '../../../relay/mail/outcome.ts'
import type { Reply } from '../../../relay/mail/reply.ts'

const healthy: Health = { ...unproven, proven: true }
const named: Reply = { code: 421, status: '4.7.0', text: 'no mail for <bob@x.test> now' }
const ejected: Health = { ...unproven, ejectedUntil: 1000 }
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
  [
    'one that works is not left out at its second failure in a row',
    healthy,
    [failing, failing],
    { proven: true, ejectedUntil: 0 },
  ],
  [
    'behind a success failures are counted anew',
    healthy,
    [failing, failing, refused, failing],
    { proven: true, ejectedUntil: 0 },
  ],
  [
    'each failed probe doubles the time that it is left out',
    unproven,
    [failing, failing, failing],
    { ejectedUntil: 1000 + 2000 + 4000 },
  ],
  [
    'one with a certificate that is not trusted is left out for a minute',
    healthy,
    [untrusted],
    { ejectedUntil: 60_000 },
  ],
  [
    'case U22: one that refuses our login is left out for a minute',
    healthy,
    [unauthenticated],
    { ejectedUntil: 60_000 },
  ],
  ['refusals of messages and recipients change nothing', healthy, [greylisted, refused, greylisted, refused], healthy],
  ['one that refuses the message of a probe works', unproven, [refused], { proven: true }],
  [
    'case U23: one that throttles is paused, and not left out',
    healthy,
    [throttled],
    { proven: true, ejectedUntil: 0, pausedUntil: 1000 },
  ],
] as const)('what attempts make of the health of a smarthost: %s', (_name, before, outcomes, expected) => {
  expect(after(before, ...outcomes)).toMatchObject(expected)
})

test('no smarthost is left out for longer than a minute at a time', () => {
  let health = unproven
  const times: number[] = []
  for (let i = 0; i < 50; i++) {
    const now = health.ejectedUntil
    health = afterAttempt(health, [failing], now)
    times.push(health.ejectedUntil - now)
  }
  expect(Math.max(...times)).toBe(60_000)
  expect(times.at(-1)).toBe(60_000)
})

test('case U22: a smarthost that refused our login is left out for a minute, whatever ends on its older connections', () => {
  const out = afterAttempt(healthy, [unauthenticated], 0)
  for (const outcome of [refused, greylisted, throttled]) expect(afterAttempt(out, [outcome], 59_999)).toBe(out)
  expect(afterAttempt(out, [refused], 60_000)).toMatchObject({ proven: true, ejectedUntil: 0 })
})

test('case U23: what was in flight when a smarthost asked for a pause neither ends that nor makes it longer', () => {
  const paused = afterAttempt(healthy, [throttled], 0)
  for (const outcome of [refused, greylisted, throttled])
    expect(afterAttempt(paused, [outcome], 999)).toMatchObject({ proven: true, pausedUntil: 1000, pauses: 1 })
  expect(afterAttempt(paused, [refused], 1000)).toEqual(healthy)
})

test('case U23: a smarthost that throttles and takes nobody is paused for twice as long each time, up to a minute', () => {
  let health = healthy
  const times = Array.from({ length: 8 }, () => {
    const now = health.pausedUntil
    health = afterAttempt(health, [throttled, greylisted], now)
    return health.pausedUntil - now
  })
  expect(times).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000])
})

test('case U23: a smarthost that throttles some recipients and takes others is paused for a second each time', () => {
  let health = healthy
  for (let i = 0; i < 8; i++) {
    const now = health.pausedUntil
    health = afterAttempt(health, [delivered, throttled], now)
    expect(health.pausedUntil - now).toBe(1000)
  }
})

test('case U23: a smarthost that throttles at MAIL, while what it has taken is still on its way, is paused for a second each time', () => {
  let health = healthy
  for (let i = 0; i < 8; i++) {
    const now = health.pausedUntil
    health = afterAttempt(afterAttempt(health, [throttled], now), [delivered], now + 500)
    expect(health.pausedUntil - now).toBe(1000)
  }
})

test('failures of what was in flight when a smarthost was left out do not make that longer', () => {
  const out = afterAttempt(unproven, [failing], 0)
  expect(afterAttempt(out, [failing], 10)).toBe(out)
})

test.each<[string, Health, number, ReturnType<typeof describeHealth>]>([
  ['it was not tried yet', unproven, 0, { health: 'unproven' }],
  ['it works', healthy, 0, { health: 'healthy' }],
  [
    'it is left out: until when and why, without the addresses in its reply',
    { ...ejected, ejectedUntil: 60_000, lastFailure: { reply: named, at: 1000 } },
    59_999,
    {
      health: 'ejected',
      ejectedUntil: '1970-01-01T00:01:00.000Z',
      lastReply: { code: 421, status: '4.7.0', text: 'no mail for <***> now', at: '1970-01-01T00:00:01.000Z' },
    },
  ],
  [
    'its time is over, and it has carried no mail since',
    { ...ejected, ejections: 1, ejectedUntil: 60_000, lastFailure: { reply: named, at: 1000 } },
    60_000,
    {
      health: 'ejected',
      lastReply: { code: 421, status: '4.7.0', text: 'no mail for <***> now', at: '1970-01-01T00:00:01.000Z' },
    },
  ],
  [
    'it asked for a pause',
    afterAttempt(healthy, [throttled], 5000),
    5000,
    {
      health: 'paused',
      lastReply: { code: 454, status: '4.0.0', text: 'Throttling failure', at: '1970-01-01T00:00:05.000Z' },
    },
  ],
  [
    'its pause is over, and it has carried no mail since',
    afterAttempt(healthy, [throttled], 5000),
    3_600_000,
    {
      health: 'paused',
      lastReply: { code: 454, status: '4.0.0', text: 'Throttling failure', at: '1970-01-01T00:00:05.000Z' },
    },
  ],
  [
    'it failed, and has worked since',
    afterAttempt(afterAttempt(healthy, [failing], 5000), [refused], 6000),
    6000,
    { health: 'healthy' },
  ],
])('what the status says of a smarthost: %s', (_name, health, now, expected) => {
  expect(describeHealth(health, now, (at) => new Date(at).toISOString())).toEqual(expected)
})
