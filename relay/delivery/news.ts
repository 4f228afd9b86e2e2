/** What an attempt tells: how well its next hop is, and what became of its recipients. */
import type { Events } from '../events.ts'
import { plainHost } from '../mail/plain-host.ts'
import { replyLine } from '../mail/reply.ts'
import type { Attempted } from './attempt.ts'
import { isOfRelay } from './classify.ts'
import { afterAttempt, isFailure, toldByExchanger } from './health.ts'
import type { Lane, Next } from './lane.ts'
import type { Result } from './ledger.ts'
import type { Pool } from './pool.ts'
import type { Tracked } from './tracked.ts'

type Teller = Pick<Events, 'attempted' | 'attemptTook' | 'smarthostEjected'>

/** Who was asked: a next hop that was not has no part in what is told of the message. */
export const askedIn = ({ pool, parcel }: Next, { asked }: Attempted): Pick<Result, 'asked' | 'smarthost'> => ({
  asked: asked || (parcel.transactions ?? 0) > 0,
  ...(asked && { smarthost: placeOf(pool) }),
})

/** Where it went, for a DSN. */
function placeOf({ target, isExchanger }: Pool): NonNullable<Result['smarthost']> {
  const { name, host, port } = target.smarthost
  return isExchanger ? { host, port } : { name, host, port }
}

export function learn(
  lane: Lane,
  pool: Pool,
  { asked, outcomes, withdrawn }: Attempted,
  at: number,
  events: Teller,
): void {
  const isOurs = outcomes.some(isOfRelay)
  if (withdrawn || pool.isAbandoned || !(asked || isOurs || outcomes.some(isFailure))) return
  const before = pool.health
  if (pool.isExchanger) {
    pool.health = afterAttempt(before, toldByExchanger(outcomes), at)
    if (!isOurs) lane.room.reach.learn(pool.name, outcomes, at)
    return
  }
  pool.health = afterAttempt(before, outcomes, at)
  const { ejectedUntil, lastFailure } = pool.health
  if (ejectedUntil > before.ejectedUntil && lastFailure !== undefined)
    events.smarthostEjected(
      pool.name,
      plainHost(pool.target.smarthost.host),
      ejectedUntil - at,
      replyLine(lastFailure.reply),
    )
}

/** Of a next hop that was asked. Called before the ledger changes the recipients, whose attempts are counted here. */
export function tell(
  { route }: Lane,
  pool: Pool,
  { envelope, recipients }: Tracked,
  { asked, tookMs }: Attempted,
  results: readonly Result[],
  events: Teller,
): void {
  if (!asked) return
  const { queueId } = envelope
  const host = plainHost(pool.target.smarthost.host)
  for (const { recipient, outcome } of results) {
    const { forwardPath = '', attempts = 0 } = recipients[recipient] ?? {}
    const attempt = attempts + 1
    events.attempted({ queueId, route: route.name, smarthost: pool.label, host, forwardPath, attempt, outcome })
  }
  if (tookMs !== undefined && results.length > 0) events.attemptTook(pool.label, tookMs / 1000)
}
