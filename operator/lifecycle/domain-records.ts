/** How a domain's DNS records are: what was found now, or earlier where no server answers, and since when something is broken. */
import type { View } from './answer.ts'
import { began } from './began.ts'
import { type Asked, type Judged, judgeRecord, type Seen } from './judge-record.ts'
import type { RecordState } from './record-verdict.ts'
import type { Wanted } from './records-wanted.ts'

export type RecordFound = {
  readonly name: string
  readonly type: 'TXT' | 'CNAME'
  readonly purpose: Wanted['purpose']
  readonly want: string
  readonly got?: string
  readonly state: RecordState
  /** Mail that leaves now does not need this record. */
  readonly isSpare?: true
  /** What is wrong and how to mend it; absent where nothing is. */
  readonly message?: string
  readonly seen: Seen
  readonly showing: readonly string[]
  /**
   * Since when (milliseconds) every server has shown the record as wanted, at each look. A single look at which a server did not
   * answer, or showed something else, starts this again.
   */
  readonly everywhereSince?: number
  readonly otherwise: readonly string[]
  /** Which servers did not answer, and why; because of them, this may be what was found earlier. */
  readonly doubts: readonly string[]
  /** Whether a resolver is among the servers that did not answer. */
  readonly isUnresolved: boolean
  readonly notes: readonly string[]
  /** When a server last answered, in milliseconds since the epoch. */
  readonly checkedAt: number
}

export type DomainRecords = {
  readonly records: readonly RecordFound[]
  /** Since when a record has been broken, in milliseconds since the epoch. */
  readonly brokenSince?: number
}

export type Standing =
  | { readonly is: 'asks'; readonly asks: readonly Asked[] }
  | ({ readonly is: 'found' } & DomainRecords)

const broken: readonly RecordState[] = ['Missing', 'Mismatch', 'Duplicate']
/** Whether mail that leaves now suffers from it. */
export const isBroken = ({ state, isSpare }: Pick<RecordFound, 'state' | 'isSpare'>): boolean =>
  isSpare !== true && broken.includes(state)

/**
 * `before` is what was found last, by this operator or an earlier one; `awaited`, the names of DKIM records that nobody has seen
 * yet. The result may ask for more answers first.
 */
export function domainRecords(
  wanted: readonly Wanted[],
  views: readonly View[],
  before: DomainRecords | undefined,
  now: number,
  awaited?: ReadonlySet<string>,
): Standing {
  const records: RecordFound[] = []
  const asks: Asked[] = []
  for (const one of wanted) {
    const isAwaited = one.purpose === 'DKIM' && awaited?.has(one.name) === true
    const judged = judgeRecord(one, speakingOf(one.name, views), isAwaited)
    if (judged.is === 'asks') asks.push(...judged.asks)
    else if (!isGone(one, judged)) records.push(found(one, judged, before, now))
  }
  if (asks.length > 0) return { is: 'asks', asks }
  // `began` bounds a time in the future, which a wrong clock has written.
  const since = began(before?.brokenSince, now)
  return { is: 'found', records, ...(records.some(isBroken) ? { brokenSince: since } : {}) }
}

/** A retired key whose record is gone: nothing more has to be said of it. */
const isGone = ({ purpose }: Wanted, { state }: Judged): boolean => purpose === 'RetiredKey' && state === 'Match'

const isWithin = (name: string, zone: string): boolean => name === zone || name.endsWith(`.${zone}`)

/** The views that count for a name: resolvers, and the name servers of the nearest zone that holds the name; without one, all. */
function speakingOf(name: string, views: readonly View[]): readonly View[] {
  const zones = views.flatMap(({ zone }) => (zone !== undefined && isWithin(name, zone) ? [zone] : []))
  const nearest = zones.toSorted((a, b) => b.length - a.length)[0]
  return nearest === undefined ? views : views.filter(({ zone = nearest }) => zone === nearest)
}

function found(wanted: Wanted, judged: Judged, before: DomainRecords | undefined, now: number): RecordFound {
  const { name, type, purpose } = wanted
  const { state, want, got, why, seen, showing, otherwise, doubts, isUnresolved, notes } = judged
  const last = before?.records.find((r) => r.name === name && r.type === type && r.purpose === purpose)
  const fresh: RecordFound = {
    ...{ name, type, purpose, want },
    ...(got === undefined ? {} : { got }),
    state,
    ...(wanted.purpose === 'DKIM' && wanted.isSpare && { isSpare: wanted.isSpare }),
    ...(why === '' ? {} : { message: why }),
    ...{ seen, showing },
    ...(seen === 'everywhere' ? { everywhereSince: everywhereSince(last, want, now) } : {}),
    ...{ otherwise, doubts, isUnresolved, notes },
    checkedAt: now,
  }
  if (state !== 'Unknown' || last === undefined || last.state === 'Unknown') return fresh
  const { everywhereSince: _, ...rest } = last
  return { ...rest, seen, showing, otherwise, doubts, isUnresolved }
}

/** Starts again when another value is wanted than at the last look. */
const everywhereSince = (last: RecordFound | undefined, want: string, now: number): number =>
  began(last?.want === want ? last.everywhereSince : undefined, now)
