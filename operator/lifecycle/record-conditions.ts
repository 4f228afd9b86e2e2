/** The conditions of a SenderDomain about its DNS records: all their reasons, and messages that say what to do. */
import { type DomainRecords, isBroken, type RecordFound } from './domain-records.ts'
import type { RecordState } from './record-verdict.ts'
import { toTheSecond } from './to-the-second.ts'

export type RecordCondition = {
  readonly type: 'SPFValid' | 'DKIMValid' | 'DMARCValid' | 'RecordsPublished'
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
}

/** What happens to mail when records have been broken for longer than the grace. */
export type WhenBroken = { readonly action: 'Warn' | 'Defer' | 'Refuse'; readonly graceMs: number }

const types = { SPF: 'SPFValid', DKIM: 'DKIMValid', DMARC: 'DMARCValid' } as const
const reasons: Readonly<Record<RecordState, string>> = {
  Match: 'RecordMatches',
  Missing: 'RecordMissing',
  Mismatch: 'RecordMismatch',
  Duplicate: 'RecordDuplicate',
  Leftover: 'RetiredKeyPublished',
  Unknown: 'RecordUnknown',
}

/** From when on mail is deferred or refused, in milliseconds since the epoch; undefined: it is not. */
export const actsFrom = (
  { brokenSince }: Pick<DomainRecords, 'brokenSince'>,
  { action, graceMs }: WhenBroken,
): number | undefined => (brokenSince === undefined || action === 'Warn' ? undefined : brokenSince + graceMs)

/** The records because of which mail is deferred or refused now; empty: it is not. */
export function holdingBack(found: DomainRecords, whenBroken: WhenBroken, now: number): readonly string[] {
  const from = actsFrom(found, whenBroken)
  return from === undefined || from > now ? [] : found.records.filter(isBroken).map(called)
}

export function recordConditions(
  found: DomainRecords,
  whenBroken: WhenBroken,
  now: number,
): readonly RecordCondition[] {
  const records = found.records.filter(isNeeded)
  const leftover = found.records.filter(({ state }) => state === 'Leftover')
  const purposes = (['SPF', 'DKIM', 'DMARC'] as const).filter((p) => records.some((r) => r.purpose === p))
  return [
    ...purposes.map((purpose) =>
      valid(
        types[purpose],
        records.filter((r) => r.purpose === purpose),
      ),
    ),
    ...(records.length + leftover.length === 0 ? [] : [published({ ...found, records }, leftover, whenBroken, now)]),
  ]
}

/** The record of a retired key is not needed by any mail, so it counts for no condition but RecordsPublished. */
const isNeeded = ({ purpose }: RecordFound): boolean => purpose !== 'RetiredKey'

const called = ({ type, name }: RecordFound): string => `${type} ${name}`
const told = (record: RecordFound): string => `${called(record)}: ${record.message ?? 'as wanted'}`
const all = (texts: readonly string[]): string => texts.join('; ')

function valid(type: RecordCondition['type'], records: readonly RecordFound[]): RecordCondition {
  const bad = records.filter(isBroken)
  const [first] = bad
  if (first !== undefined) return { type, status: 'False', reason: reasons[first.state], message: all(bad.map(told)) }
  const unknown = records.filter(({ state }) => state === 'Unknown')
  if (unknown.length > 0) {
    const message = `${all(unknown.map(called))}: none of the servers that were asked has answered; see RecordsPublished`
    return { type, status: 'Unknown', reason: reasons.Unknown, message }
  }
  const good = records.filter(({ state }) => state === 'Match').map(called)
  const message = good.length > 0 ? `${all(good)}: as wanted` : 'no record is needed for mail that leaves now'
  return { type, status: 'True', reason: reasons.Match, message }
}

/**
 * Receivers ask resolvers, so a record that one of our resolvers can not find is missing for some of them. A single name server
 * that does not answer us is no trouble, while others show the record.
 */
const isUnanswered = ({ doubts, seen, isUnresolved }: RecordFound): boolean =>
  isUnresolved || (doubts.length > 0 && seen === 'nowhere')

/** The first case that applies decides. */
function published(
  found: DomainRecords,
  leftover: readonly RecordFound[],
  whenBroken: WhenBroken,
  now: number,
): RecordCondition {
  const { records } = found
  const is = (status: RecordCondition['status'], reason: string, message: string): RecordCondition => ({
    type: 'RecordsPublished',
    status,
    reason,
    message,
  })
  const bad = records.filter(isBroken)
  const from = actsFrom(found, whenBroken)
  if (from !== undefined && from <= now)
    return is('False', 'BrokenTooLong', `${all(bad.map(told))}; ${held(whenBroken)}`)
  if (bad.length > 0) {
    const next = from === undefined ? '' : `; from ${toTheSecond(from)} on, ${holds[whenBroken.action]}`
    return is('False', 'NotPublished', `${all(bad.map(told))}${next}; the values that are wanted are in status.records`)
  }
  const unanswered = records.filter(isUnanswered)
  if (unanswered.length > 0) {
    const message = `${all(unanswered.map((r) => `${called(r)}: ${r.doubts.join(', ')}`))}; check these servers, or correct spec.dns.resolvers; until then, what was found before stays`
    return is('Unknown', 'ResolverTrouble', message)
  }
  const elsewhere = records.filter(({ otherwise }) => otherwise.length > 0)
  if (elsewhere.length > 0) {
    const message = `${all(elsewhere.map((r) => `${called(r)}: ${r.otherwise.join(', ')}`))}; if that lasts longer than the records' TTL, check these servers`
    return is('False', 'NotSeenEverywhere', message)
  }
  const undelegated = records.filter(({ type, state }) => type === 'CNAME' && isBroken({ state }))
  if (undelegated.length > 0) {
    const message = `${all(undelegated.map(told))}; mail does not need it now, but the next key waits for it`
    return is('False', 'NotDelegated', message)
  }
  if (leftover.length > 0) return is('False', reasons.Leftover, all(leftover.map(told)))
  return is('True', 'Published', 'every record is as wanted')
}

const holds = {
  Warn: 'nothing changes',
  Defer: 'mail of this domain is deferred',
  Refuse: 'mail of this domain is refused',
} as const
const held = ({ action }: WhenBroken): string =>
  `longer than spec.whenBroken.grace, so ${holds[action]}; mend the records, or set spec.whenBroken.action to Warn`
