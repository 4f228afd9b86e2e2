/** May so many recipients pass now? What was taken is among the facts; who counts is elsewhere. Pure. */
import type { CredentialConfig, LimitsConfig } from '../config.ts'
import { type Reply, reply } from '../mail/reply.ts'
import { type Refusal, type RuleId, refusal } from '../mail/rule.ts'
import { afterTaking, type Earned, type Rate, waitMs } from './rate.ts'
import { type Place, type RateLimit, rateShare, shareOf } from './share.ts'
import { timeText } from './time-text.ts'
import { dayMs } from './utc-day.ts'
import { type Check, firstRefusal } from './verdict.ts'

/** A credential's own limits, or a throttle of its policy: that one has a rate alone, and its name. */
export type Limits = Omit<LimitsConfig, 'rate'> & { readonly rate?: RateLimit; readonly throttle?: string }

/** What is counted together, under one name: a credential's mail by its own limits, or all that shares a throttle. */
export type Counted = { readonly name: string; readonly limits: Limits }

/** What may be handed out of limits, by a relay or by all of them. */
export type Allowance = {
  readonly daily: number
  readonly rate: Rate | undefined
}

/** What was handed out of it. */
export type Taken = {
  readonly today: number
  /** See `afterTaking`. */
  readonly earned: Earned | undefined
}

export type LimitFacts = {
  readonly limits: Limits
  readonly allowance: Allowance
  readonly taken: Taken
  readonly recipients: number
  /** Of the clock that `taken` is measured by. */
  readonly now: number
  readonly restOfDayMs: number
}

/** `given`: what is known to be handed out already of the day, by all relays. */
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

/** So many are `left` of the day, which is fewer than the message has. */
export function overDaily({ daily }: Limits, left: number, recipients: number, restOfDayMs: number): Refusal {
  const over = left > 0 ? `${left} left, and this message has ${recipients}` : 'none left'
  const when = `come back in ${timeText(restOfDayMs)}, at 00:00 UTC`
  return refusal('credential.limits.daily', `${dailyText(daily)}, ${over}; ${when}`)
}

/** Infinite: the message has more than the `burst` that is given at once. */
export function overRate(limits: Limits, ms: number, burst: number): Refusal {
  const when = ms === Number.POSITIVE_INFINITY ? `send at most ${burst} at once` : `come back in ${timeText(ms)}`
  return named(limits, refusal(rateRule(limits), `${rateText(limits)}; ${when}`))
}

const limitChecks: readonly Check<LimitFacts>[] = [
  withinDaily, // the longer wait is the one to be told
  withinRate,
]

export const judgeLimits = (facts: LimitFacts): Refusal | undefined => firstRefusal(limitChecks, facts)

/** What is handed out once this message is, too. */
export const takenBy = ({ allowance: { rate }, taken, recipients, now }: LimitFacts): Taken => ({
  today: taken.today + recipients,
  earned: rate && afterTaking(rate, taken.earned, recipients, now),
})

/**
 * A message that has more recipients than are handed out at once would be refused for ever: the one that is too many is
 * told to come in another message (RFC 5321 section 4.5.3.1.10).
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

/** Whether so much of the day's recipients is taken that the owner wants to know. */
export const isApproaching = ({ daily, warnAt }: Limits, today: number, whole = daily): boolean =>
  whole !== undefined && today * 100 >= whole * warnAt

/** A credential whose messages are counted. */
export type Limited = CredentialConfig & { readonly limits: LimitsConfig }
export const isLimited = (credential: CredentialConfig): credential is Limited => credential.limits !== undefined

/** The day's rest for whoever has not looked at a clock of his own. */
export const restOfUtcDayMs = (wall: number): number => dayMs - (wall % dayMs)
