/** What is done with a recipient after an attempt, and how long the next one is waited for. */
import { expect, test } from 'vitest'
import { backoffMs } from '../../../relay/delivery/backoff.ts'
import { decide, type Pending } from '../../../relay/delivery/decide.ts'
import type { Outcome } from '../../../relay/mail/outcome.ts'
import type { Reply } from '../../../relay/mail/reply.ts'

const minute = 60_000
const hour = 60 * minute
const retry = { scheduleMs: [minute, 5 * minute, 15 * minute, hour], expireAfterMs: 24 * hour }
const pending: Pending = { reversePath: 'app@corp.test', acceptedAt: 0, turns: 1, retry }
const report = { ...pending, reversePath: '' }

const reply = (code: number, status: string, text = 'x'): Reply => ({ code, status, text })
const ok: Outcome = { kind: 'delivered', reply: reply(250, '2.0.0') }
const no: Outcome = { kind: 'bounced', reply: reply(550, '5.1.1', 'unknown user') }
const later: Outcome = { kind: 'deferred', scope: 'recipient', reply: reply(450, '4.2.0', 'busy') }
const lost: Outcome = { kind: 'ambiguous', reply: reply(451, '4.4.2', 'lost') }
const throttled: Outcome = { kind: 'deferred', scope: 'message', reply: reply(454, '4.0.0', 'Throttling failure') }

test.each([
  ['delivered mail leaves the spool', pending, ok, hour, { do: 'remove' }],
  ['a 5yz reply is reported', pending, no, hour, { do: 'sendDsn', because: 'refused', reply: no.reply }],
  ['case S26: a report that bounces is not reported itself', report, no, hour, { do: 'discard', because: 'refused' }],
  ['a 4yz reply waits', pending, later, hour, { do: 'retry', at: hour + minute }],
  [
    'the second wait is the second step of the schedule',
    { ...pending, turns: 2 },
    later,
    hour,
    { do: 'retry', at: hour + 5 * minute },
  ],
  ['the last step of the schedule repeats', { ...pending, turns: 9 }, later, hour, { do: 'retry', at: 2 * hour }],
  ['case U13: a lost answer waits like a deferral', pending, lost, hour, { do: 'retry', at: hour + minute }],
  [
    'the last attempt is at the deadline, not after it',
    { ...pending, turns: 9 },
    later,
    23.5 * hour,
    { do: 'retry', at: 24 * hour },
  ],
  [
    'case S25: at its deadline a message is given up',
    pending,
    later,
    24 * hour,
    { do: 'sendDsn', because: 'expired', reply: { code: 451, status: '4.4.7' }, last: later.reply },
  ],
  ['an expired report is given up in silence', report, later, 48 * hour, { do: 'discard', because: 'expired' }],
  ['a lost answer expires too', pending, lost, 24 * hour, { do: 'sendDsn', because: 'expired', last: lost.reply }],
  ['mail that is delivered after the deadline is done with', pending, ok, 48 * hour, { do: 'remove' }],
  [
    'case U23: mail that was throttled waits for no more than ten minutes',
    { ...pending, turns: 9 },
    throttled,
    hour,
    { do: 'retry', at: hour + 10 * minute },
  ],
] as const)('what is done after an attempt: %s', (_name, before, outcome, now, expected) => {
  expect(decide(before, outcome, now, () => 0.5)).toMatchObject(expected)
})

test.each([
  [1, 0, 48_000],
  [1, 0.5, 60_000],
  [1, 1, 72_000],
  [4, 0, 48 * minute],
  [100, 1, 72 * minute],
])('after %d turns the wait is the step of the schedule, give or take a fifth: with the dice at %d, %d ms', (turns, dice, expected) => {
  expect(backoffMs(retry.scheduleMs, turns, () => dice)).toBe(expected)
})
