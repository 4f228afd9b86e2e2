/** May so many recipients pass now, by a daily limit and a rate? What was taken before is among the facts. Pure. */
import type { CredentialConfig, LimitsConfig } from '../config.ts'
import { type Reply, reply } from '../mail/reply.ts'
import { type Refusal, type RuleId, refusal } from '../mail/rule.ts'
import { afterTaking, type Earned, type Rate, waitMs } from './rate.ts'
import { type Place, type RateLimit, rateShare, shareOf } from './share.ts'
import { timeText } from './time-text.ts'
import { type Check, firstRefusal } from './verdict.ts'

/** A credential's own limits, or those of a throttle of its policy, which has a rate alone and is named by `throttle`. */
export type Limits = Omit<LimitsConfig, 'rate'> & { readonly rate?: RateLimit; readonly throttle?: string }

/**
 * What is counted together under one name: a credential's mail (namespace/name), or all mail that shares a throttle
 * (throttles.ts).
 */
export type Counted = { readonly name: string; readonly limits: Limits }

/** What may be handed out of limits: by one relay, its share; or by the whole fleet. */
export type Allowance = {
  /** Recipients in a day; infinite without a daily limit. */
  readonly daily: number
  readonly rate: Rate | undefined
}

/** What was handed out of an allowance. */
export type Taken = {
  /** Recipients. */
  readonly today: number
  /** See `afterTaking`. */
  readonly earned: Earned | undefined
}

export type LimitFacts = {
  readonly limits: Limits
  readonly allowance: Allowance
  readonly taken: Taken
  readonly recipients: number
  /** Milliseconds of the same monotonic clock as `taken.earned`. */
  readonly now: number
  readonly restOfDayMs: number
}

/** The share of one relay; `given`: recipients of the day that all relays are known to have handed out already. */
export const allowanceOf = (limits: Limits, place: Place, given = 0): Allowance => ({
  daily: limits.daily === undefined ? Number.POSITIVE_INFINITY : shareOf(Math.max(0, limits.daily - given), place),
  rate: limits.rate && rateShare(limits.rate, place),
})

const withinDaily: Check<LimitFacts> = ({ limits, allowance, taken, recipients, restOfDayMs }) => {
  const left = allowance.daily - taken.today
  return recipients <= left ? undefined : overDaily(limits, left, recipients, restOfDayMs)
}

const withinRate: Check<LimitFacts> = ({ limits, allowance: { rate }, taken, recipients, now }) => {
  const ms = rate === undefined ? 0 : waitMs(rate, taken.earned, recipients, now)
  return rate === undefined || ms === 0 ? undefined : overRate(limits, ms, rate.burst)
}

/** The refusal where fewer recipients are `left` of the day than the message has. */
export function overDaily({ daily }: Limits, left: number, recipients: number, restOfDayMs: number): Refusal {
  const over = left > 0 ? `${left} left, and this message has ${recipients}` : 'none left'
  const when = `come back in ${timeText(restOfDayMs)}, at 00:00 UTC`
  return refusal('credential.limits.daily', `${dailyText(daily)}, ${over}; ${when}`)
}

/** The refusal by a rate: `ms` until the message may come again; infinite where it has more recipients than the whole `burst`. */
export function overRate(limits: Limits, ms: number, burst: number): Refusal {
  const when = ms === Number.POSITIVE_INFINITY ? `send at most ${burst} at once` : `come back in ${timeText(ms)}`
  return named(limits, refusal(rateRule(limits), `${rateText(limits)}; ${when}`))
}

const limitChecks: readonly Check<LimitFacts>[] = [
  withinDaily, // first, since its wait is the longer one
  withinRate,
]

export const judgeLimits = (facts: LimitFacts): Refusal | undefined => firstRefusal(limitChecks, facts)

/** What of the rate is handed out after this message. */
export const earnedAfter = ({ allowance: { rate }, taken, recipients, now }: LimitFacts): Earned | undefined =>
  rate && afterTaking(rate, taken.earned, recipients, now)

/**
 * The refusal for one more recipient of a message that has `accepted`. With more of them than are ever handed out at once it
 * would be refused for ever, so the client is told to send the rest in another message (RFC 5321 section 4.5.3.1.10).
 */
export function roomInMessage(limits: Limits, allowance: Allowance, accepted: number): Refusal | undefined {
  if (accepted === 0) return undefined
  if (accepted >= allowance.daily) return another('credential.limits.daily', dailyText(limits.daily))
  const { rate } = allowance
  if (rate === undefined || accepted < rate.burst) return undefined
  return named(limits, another(rateRule(limits), rateText(limits)))
}

const another = (rule: RuleId, limit: string): Refusal => ({
  rule,
  reply: sendTheRest(`${limit}; send the rest in another message (${rule})`),
})
const sendTheRest = (text: string): Reply => reply(452, '5.3', text)

const atMost = (count: number): string => `at most ${count} ${count === 1 ? 'recipient' : 'recipients'}`
const dailyText = (daily = 0): string => `${atMost(daily)} a day`
const rateText = ({ rate, throttle }: Limits): string => {
  const text = rate === undefined ? '' : `${atMost(rate.count)} per ${timeText(rate.perMs)}`
  return throttle === undefined ? text : `${text} by throttle ${throttle}`
}

const rateRule = ({ throttle }: Limits): RuleId => (throttle === undefined ? 'credential.limits.rate' : 'throttles')
const named = ({ throttle }: Limits, refused: Refusal): Refusal =>
  throttle === undefined ? refused : { ...refused, throttle }

/** Whether `warnAt` percent of the day's recipients are taken: of `whole`, which is the limit or a relay's share of it. */
export const isApproaching = ({ daily, warnAt }: Limits, today: number, whole = daily): boolean =>
  whole !== undefined && today * 100 >= whole * warnAt

/** A credential whose messages are counted. */
export type Limited = CredentialConfig & { readonly limits: LimitsConfig }
export const isLimited = (credential: CredentialConfig): credential is Limited => credential.limits !== undefined
