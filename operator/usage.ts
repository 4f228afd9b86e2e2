/** What credentials have used of their limits: added up from the reports of a fleet's relays, and put into statuses. Pure. */
import type { LimitsConfig } from '../relay/config.ts'
import type { CredentialUsage, RelayUsage } from '../relay/http.ts'
import { isApproaching } from '../relay/rules/limits.ts'
import { dayMs } from '../relay/rules/utc-day.ts'
import type { Compiled, Condition } from './compile/compiled.ts'
import type { Name } from './compile/snapshot.ts'

/** The use of one credential, over all relays of its fleet. `day`: days since the epoch (UTC). `today`: recipients. */
export type Used = {
  readonly day: number
  readonly today: number
  readonly lastRefusal?: CredentialUsage['lastRefusal']
}

/** What a credential's status gets. */
export type UsageSaying = {
  readonly fields: Readonly<Record<string, unknown>>
  readonly condition?: Condition
}

/** The limits of every credential that has some. */
export function limitsIn({ fleets }: Pick<Compiled, 'fleets'>): ReadonlyMap<Name, LimitsConfig> {
  const credentials = [...fleets.values()].flatMap(({ config }) => config?.credentials ?? [])
  return new Map(credentials.flatMap(({ name, limits }) => (limits === undefined ? [] : [[name as Name, limits]])))
}

/**
 * Adds up what the relays report. A report of an earlier day counts as nothing for this one. Where relays count in a limit
 * store, the highest count that any of them got from it wins: that includes relays which are gone.
 */
export function usedIn(reports: readonly Pick<RelayUsage, 'day' | 'credentials'>[]): ReadonlyMap<string, Used> {
  const day = Math.max(...reports.map((report) => report.day))
  const said = reports.filter((r) => r.day === day).flatMap((r) => r.credentials)
  return new Map([...Map.groupBy(said, ({ name }) => name)].map(([name, all]) => [name, usedBy(day, all)]))
}

function usedBy(day: number, said: readonly CredentialUsage[]): Used {
  const added = said.reduce((sum, { today }) => sum + today, 0)
  const last = said.map(({ lastRefusal }) => lastRefusal).reduce(later, undefined)
  return {
    day,
    today: Math.max(added, ...said.map(({ fleet = 0 }) => fleet)),
    ...(last !== undefined && { lastRefusal: last }),
  }
}

type Refusal = CredentialUsage['lastRefusal']

const later = (a: Refusal, b: Refusal): Refusal => (a === undefined || (b !== undefined && b.at > a.at) ? b : a)

/** Empty where nothing was used, so that ten thousand idle credentials do not get a new status each midnight. */
export function usageSaying(limits: LimitsConfig, used: Used | undefined): UsageSaying {
  if (used === undefined) return { fields: {} }
  const condition = quotaApproaching(limits, used.today)
  return { fields: { usage: usageOf(limits, used) }, ...(condition !== undefined && { condition }) }
}

function usageOf({ daily }: LimitsConfig, { day, today, lastRefusal }: Used) {
  // Rounding must not hide that a day is used up: `explain` goes by this figure.
  const said = daily !== undefined && today >= daily ? Math.max(daily, roundFigure(today)) : roundFigure(today)
  const refused = lastRefusal !== undefined && Date.parse(lastRefusal.at) >= day * dayMs ? lastRefusal : undefined
  return {
    day: new Date(day * dayMs).toISOString().slice(0, 10),
    today: said,
    ...(daily !== undefined && { remaining: Math.max(0, daily - said) }),
    ...(refused !== undefined && { lastRefusal: { ...refused, at: toTheMinute(refused.at) } }),
  }
}

/** Rounds down to two digits, so that a status changes at most ninety times while its figure grows tenfold. */
function roundFigure(count: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, count))) - 1)
  return Math.floor(count / unit) * unit
}

const toTheMinute = (at: string): string => at.replace(/:\d\d(\.\d+)?Z$/, ':00Z')

function quotaApproaching(limits: LimitsConfig, today: number): Condition | undefined {
  const { daily, warnAt } = limits
  if (daily === undefined || !isApproaching(limits, today)) return undefined
  const isOver = today >= daily
  return {
    type: 'QuotaApproaching',
    status: 'True',
    reason: isOver ? 'QuotaUsedUp' : 'QuotaApproaching',
    message: isOver
      ? `all ${daily} recipients of the day are used: more mail is refused for now (450), until midnight UTC; raise spec.limits.daily, or send less`
      : `${warnAt} % of the day's ${daily} recipients are used; with all of them used, mail is refused for now (450) until midnight UTC`,
  }
}

/** What a status said before, to be kept while nothing newer is known. */
export function usageBefore({ usage, conditions }: Standing): UsageSaying {
  const condition = conditions.find(({ type }) => type === 'QuotaApproaching')
  return { fields: usage === undefined ? {} : { usage }, ...(condition !== undefined && { condition }) }
}

type Standing = { readonly usage?: unknown; readonly conditions: readonly Condition[] }

/** How many recipients were used on the day of `now`, as a status says; undefined where it says nothing of that day. */
export function usedToday(status: Readonly<Record<string, unknown>> | undefined, now: number): number | undefined {
  const { day, today } = (status?.['usage'] ?? {}) as { readonly day?: unknown; readonly today?: unknown }
  return day === new Date(now).toISOString().slice(0, 10) && typeof today === 'number' ? today : undefined
}
