/** Whether a smarthost is worth trying now: one that fails again and again is left out for a while, then probed. Pure. */
import type { SmarthostStatus } from '../http.ts'
import { withoutAddresses } from '../mail/evidence.ts'
import type { Outcome } from '../mail/outcome.ts'
import type { Reply } from '../mail/reply.ts'
import { isThrottling } from './classify.ts'

/** Times are milliseconds on the steady clock; 0 is long over. */
export type Health = {
  /** It has carried a conversation since it was last left out; until then it gets one connection at a time. */
  readonly proven: boolean
  /** In a row. */
  readonly failures: number
  /** Times that it was left out since it last worked; each is twice as long as the one before, up to a minute. */
  readonly ejections: number
  /** Left out before this time; others take over. */
  readonly ejectedUntil: number
  /** It asked us to slow down: nothing new before this time, and nobody takes over unless it does so again and again. */
  readonly pausedUntil: number
  /** In a row; each is twice as long as the one before, up to a minute. */
  readonly pauses: number
  readonly lastFailure?: { readonly reply: Reply; readonly at: number }
}

export const unproven: Health = {
  proven: false,
  failures: 0,
  ejections: 0,
  ejectedUntil: 0,
  pausedUntil: 0,
  pauses: 0,
}

const working = { proven: true, failures: 0, ejections: 0, ejectedUntil: 0 } as const

const failuresBeforeEjection = 3
const firstMs = 1000
const longestMs = 60_000
const doubled = (times: number): number => Math.min(longestMs, firstMs * 2 ** Math.min(times, 16))

/** The health after an attempt that ended with these outcomes. */
export function afterAttempt(health: Health, outcomes: readonly Outcome[], now: number): Health {
  // Left out for its login or certificate: what ends on a connection of before tells nothing of these.
  if (now < health.ejectedUntil && isOfConfiguration(health.lastFailure?.reply)) return health
  if (outcomes.some(isOfTransaction)) return health
  const failure = outcomes.find(isFailure)
  if (failure !== undefined) return afterFailure(health, failure.reply, now)
  const throttled = outcomes.find(isThrottling)
  if (throttled !== undefined) return afterThrottling(health, throttled.reply, now, outcomes.some(isDelivered))
  if (health.proven && health.failures === 0 && health.pauses === 0) return health
  // The success of what was in flight when it asked for a pause does not end that; but who carries mail has no longer one next time.
  if (now < health.pausedUntil) return { ...health, ...working, ...(outcomes.some(isDelivered) && { pauses: 0 }) }
  return { ...unproven, ...working }
}

/** The sixth pause in a row: it has half a minute, after as much in shorter ones without any mail between them. */
const manyPauses = 6

/** It takes so little that much of what waits may be over its time before it is tried. */
export const carriesNothing = (health: Health, now: number): boolean =>
  now < health.ejectedUntil || (now < health.pausedUntil && throttlesAll(health))

/** As one whose day is used up: for a minute it has taken nothing. */
export const throttlesAll = ({ pauses }: Health): boolean => pauses >= manyPauses

/** Of the next hop itself, or of one of its addresses. */
export const isFailure = (o: Outcome): boolean =>
  o.kind === 'ambiguous' || (o.kind === 'deferred' && o.scope === 'nextHop')

/**
 * Nobody is taken over this connection (RFC 3463 section 3.4), as by a postscreen that has just tested it, or its dialogue is in no
 * known state: the next connection may do.
 */
export const isOfConnection = ({ kind, reply }: Outcome): boolean =>
  kind === 'deferred' && (reply.status === '4.3.2' || reply.status === '4.5.0')

const isDelivered = ({ kind }: Outcome): boolean => kind === 'delivered'

/** It ended the transaction for what it refused to others: it works. */
const isOfTransaction = (o: Outcome): boolean => o.kind === 'deferred' && o.scope === 'transaction'

/** What tells of the exchanger itself, which domains may share: it wants a login (4.7.8) only for one that it does not serve. */
export const toldByExchanger = (outcomes: readonly Outcome[]): readonly Outcome[] =>
  outcomes.filter(({ reply }) => reply.status !== '4.7.8')

/** Those in flight when it was left out tell nothing new. */
function afterFailure(health: Health, reply: Reply, now: number): Health {
  if (now < health.ejectedUntil) return health
  const failures = health.failures + 1
  const failing = { ...health, failures, lastFailure: { reply, at: now } }
  if (health.proven && failures < failuresBeforeEjection && !isOfConfiguration(reply)) return failing
  const forMs = isOfConfiguration(reply) ? longestMs : doubled(health.ejections)
  return { ...failing, proven: false, failures: 0, ejections: health.ejections + 1, ejectedUntil: now + forMs }
}

/** Certificate or password: trying again soon would only lock the account (RFC 3463 section 3.8). */
const isOfConfiguration = (reply: Reply | undefined): boolean => reply?.status === '4.7.5' || reply?.status === '4.7.8'

/** Who took others in the same transaction carries mail: its pause does not grow. */
function afterThrottling(health: Health, reply: Reply, now: number, tookOthers: boolean): Health {
  if (now < health.pausedUntil) return health
  const pauses = tookOthers ? 0 : health.pauses
  return {
    ...health,
    lastFailure: { reply, at: now },
    pausedUntil: now + doubled(pauses),
    pauses: pauses + 1,
  }
}

/** For status pages: the state, until when, and why. */
export const describeHealth = (
  health: Health,
  now: number,
  timeOf: (at: number) => string,
): Omit<SmarthostStatus, 'route' | 'name'> => ({
  health: stateOf(health, now),
  ...(now < health.ejectedUntil && { ejectedUntil: timeOf(health.ejectedUntil) }),
  ...(health.lastFailure !== undefined && {
    lastReply: lastReply(health.lastFailure.reply, timeOf(health.lastFailure.at)),
  }),
})

const lastReply = ({ code, status, text }: Reply, at: string) => ({ code, status, text: withoutAddresses(text), at })

/** Ejected or paused until it carries mail again: that it is only probed in between is no news. */
function stateOf(health: Health, now: number): SmarthostStatus['health'] {
  const { ejectedUntil, ejections, pausedUntil, pauses, proven } = health
  if (now < ejectedUntil || ejections > 0) return 'ejected'
  if (now < pausedUntil || pauses > 0) return 'paused'
  return proven ? 'healthy' : 'unproven'
}
