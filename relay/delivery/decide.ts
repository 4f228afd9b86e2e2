/** What to do with one recipient after one delivery attempt. Pure: the caller does it. */
import type { Outcome } from '../mail/outcome.ts'
import { type Reply, reply } from '../mail/reply.ts'
import { type RecipientWish, wantsFailure } from '../mail/report-wishes.ts'
import { backoffMs } from './backoff.ts'
import { isThrottling } from './classify.ts'

/** The waits between attempts, the last one repeating, and the time in the queue after which a recipient is given up. */
export type Retry = { readonly scheduleMs: readonly number[]; readonly expireAfterMs: number }

/** One recipient, the turn that has just ended counted. */
export type Pending = {
  readonly reversePath: string
  readonly wish?: RecipientWish | undefined
  readonly acceptedAt: number
  readonly turns: number
  readonly retry: Retry
}

export type GivenUp = {
  readonly because: 'refused' | 'expired'
  /** What is told: the refusal, or that the time is over. */
  readonly reply: Reply
  /** The last attempt's reply. */
  readonly last: Reply
}

export type Decision =
  | { readonly do: 'remove' }
  /** It is delivered, which the sender wants to hear, and nobody else tells. */
  | { readonly do: 'tell'; readonly reply: Reply }
  | { readonly do: 'retry'; readonly at: number }
  | ({ readonly do: 'sendDsn' | 'discard' } & GivenUp)

/** 4.4.7, a persistent transient failure (RFC 3463 sections 2 and 3.5): programs that read 5.4.7 strike the address off for good. */
const expired: Reply = reply(451, '4.7', 'delivery time expired')

/** The longest wait, in milliseconds, after a smarthost has asked us to slow down. */
const throttledMs = 600_000

export function decide(pending: Pending, outcome: Outcome, now: number, jitter: () => number): Decision {
  switch (outcome.kind) {
    case 'delivered':
      return outcome.tellsNobody && pending.reversePath !== '' ? { do: 'tell', reply: outcome.reply } : { do: 'remove' }
    case 'bounced':
      return giveUp(pending, { because: 'refused', reply: outcome.reply, last: outcome.reply })
    case 'ambiguous':
    case 'deferred':
      return now - pending.acceptedAt < pending.retry.expireAfterMs
        ? { do: 'retry', at: nextAttemptAt(pending, outcome, now, jitter) }
        : giveUp(pending, { because: 'expired', reply: expired, last: outcome.reply })
  }
}

/** The last attempt falls on the end of the time in the queue, not after it. */
function nextAttemptAt(
  { acceptedAt, turns, retry }: Pending,
  outcome: Outcome,
  now: number,
  jitter: () => number,
): number {
  const wait = backoffMs(retry.scheduleMs, turns, jitter)
  const at = now + (isThrottling(outcome) ? Math.min(wait, throttledMs) : wait)
  return Math.min(at, acceptedAt + retry.expireAfterMs)
}

// A message with the null reverse-path is itself a report; reporting on it would loop (RFC 5321 section 4.5.5).
const giveUp = ({ reversePath, wish }: Pending, why: GivenUp): Decision =>
  reversePath === '' || !wantsFailure(wish) ? { do: 'discard', ...why } : { do: 'sendDsn', ...why }
