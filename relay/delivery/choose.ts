/** Which smarthost of a route takes the next transaction: the lowest priority that works, in turn among equals. Pure. */
import { type Health, throttlesAll } from './health.ts'

export type Candidate = {
  readonly name: string
  /** Transactions that it may have at one time, when it is proven. */
  readonly places: number
  /** In so many milliseconds it may have more places by time alone. */
  readonly morePlacesInMs: number
  readonly inUse: number
  readonly health: Health
  /** When a transaction last began or ended there, in milliseconds on the steady clock. */
  readonly movedAt: number
  /** It has an idle connection open, which is closed if this transaction does not use it. */
  readonly lingers: boolean
}

/** What takes the mail of one route or domain, which says how much it prefers it: the lowest first. */
export type Ranked<C> = { readonly pool: C; readonly priority: number }

/** `until`: milliseconds on the steady clock; absent where time alone changes nothing. */
export type Choice<C> =
  | { readonly kind: 'use'; readonly candidate: C }
  /** All that work are in use or pause; `until`: when the first of them may be free by time alone. */
  | { readonly kind: 'busy'; readonly until?: number }
  /** None works that was not tried; `until`: when the first of those is tried again. */
  | { readonly kind: 'down'; readonly until?: number }

/**
 * `ranked` stand in the order of their priority. A lower priority never helps out a busy one, only one that fails, that has taken
 * nothing for a minute, or that has had all its places in use for so long that it may be dead (decision 0054).
 */
export function choose<C extends Candidate>(
  ranked: readonly Ranked<C>[],
  tried: Pick<ReadonlySet<string>, 'has'> | undefined,
  now: number,
  turn: number,
): Choice<C> {
  const only = ranked[0]?.pool
  if (only !== undefined && ranked.length === 1 && tried === undefined && works(only, now) && isFree(only, now))
    return { kind: 'use', candidate: only }
  const untried = tried === undefined ? ranked : ranked.filter(({ pool }) => !tried.has(pool.name))
  const working = untried.filter(({ pool }) => works(pool, now))
  if (working.length === 0) return { kind: 'down', ...earliest(untried.map(({ pool }) => pool.health.ejectedUntil)) }
  const last = working.find(({ pool }) => isWaitedFor(pool, now))?.priority ?? Number.POSITIVE_INFINITY
  const free = working.filter(({ pool, priority }) => priority <= last && isFree(pool, now))
  const equals = free.filter(({ priority }) => priority === free[0]?.priority)
  const candidate = (equals.find(({ pool }) => pool.lingers) ?? equals[turn % equals.length])?.pool
  if (candidate !== undefined) return { kind: 'use', candidate }
  // What another one has failed goes back to that, or is deferred, before it waits for one that may be dead.
  if (tried !== undefined && working.every(({ pool }) => now >= stuckAt(pool))) return { kind: 'down' }
  const times = untried.filter(({ priority }) => priority <= last).map(({ pool }) => opensAt(pool.health))
  const held = working.filter(({ priority }) => priority <= last)
  times.push(...held.map(({ pool }) => now + pool.morePlacesInMs))
  // Also where none behind them works now: one may do so by then.
  if (tried !== undefined || untried.some(({ priority }) => priority > last))
    times.push(...held.map(({ pool }) => stuckAt(pool)))
  return { kind: 'busy', ...earliest(times.filter((at) => at > now && Number.isFinite(at))) }
}

/** Whether another one would take by now what `candidate` has: then its first replies are waited for less (decision 0054). */
export const isHurried = <C extends Candidate>(
  ranked: readonly Ranked<C>[],
  tried: Pick<ReadonlySet<string>, 'has'> | undefined,
  candidate: C,
  now: number,
): boolean =>
  ranked.some(({ pool }) => pool !== candidate && !tried?.has(pool.name) && works(pool, now) && isWaitedFor(pool, now))

/**
 * Whether lower priorities stand back for it. Not while one that failed is probed, which may take until a deadline, nor while one
 * takes nothing for now, which may last a day.
 */
const isWaitedFor = (c: Candidate, now: number): boolean =>
  (c.health.proven || c.health.ejections === 0) && !throttlesAll(c.health) && now < stuckAt(c)

/** As long as connecting may take: one that works has ended a transaction by then. */
const stuckAfterMs = 30_000

/** From when on it does not count as busy but as silent, if no transaction ends there before. */
const stuckAt = (c: Candidate): number => (c.inUse < capacity(c) ? Number.POSITIVE_INFINITY : c.movedAt + stuckAfterMs)

const works = ({ health }: Candidate, now: number): boolean => now >= health.ejectedUntil

const isFree = (c: Candidate, now: number): boolean => c.inUse < capacity(c) && now >= c.health.pausedUntil

const opensAt = ({ ejectedUntil, pausedUntil }: Health): number => Math.max(ejectedUntil, pausedUntil)

/** One that has not worked yet, or takes nothing for now, is probed by one message, not by all that wait. */
const capacity = ({ health, places }: Candidate): number => (health.proven && !throttlesAll(health) ? places : 1)

const earliest = (times: readonly number[]): { until?: number } =>
  times.length === 0 ? {} : { until: Math.min(...times) }
