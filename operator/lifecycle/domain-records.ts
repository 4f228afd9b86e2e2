/** How a domain's records stand: what was found now, what was found before where nobody answers, and since when it is broken. */
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
  /** Mail that leaves now is good without it. */
  readonly isSpare?: true
  /** What is wrong and how to mend it; absent where nothing is. */
  readonly message?: string
  readonly seen: Seen
  readonly showing: readonly string[]
  /**
   * Since when every server that was asked has shown it as it is wanted, at each look; milliseconds. A key may sign from
   * then on, and one look at which a server did not answer, or showed another thing, begins it anew.
   */
  readonly everywhereSince?: number
  readonly otherwise: readonly string[]
  /** Why this is from before, or who did not answer. */
  readonly doubts: readonly string[]
  /** A resolver is among those. */
  readonly isUnresolved: boolean
  readonly notes: readonly string[]
  /** When somebody last answered; milliseconds. */
  readonly checkedAt: number
}

export type DomainRecords = {
  readonly records: readonly RecordFound[]
  /** Since when a record has not been as it has to be; milliseconds. */
  readonly brokenSince?: number
}

export type Standing =
  | { readonly is: 'asks'; readonly asks: readonly Asked[] }
  | ({ readonly is: 'found' } & DomainRecords)

const broken: readonly RecordState[] = ['Missing', 'Mismatch', 'Duplicate']
/** So that mail which leaves now is worse for it. */
export const isBroken = ({ state, isSpare }: Pick<RecordFound, 'state' | 'isSpare'>): boolean =>
  isSpare !== true && broken.includes(state)

/** `before`: what was found last, by this operator or by another one. */
export function domainRecords(
  wanted: readonly Wanted[],
  views: readonly View[],
  before: DomainRecords | undefined,
  now: number,
): Standing {
  const records: RecordFound[] = []
  const asks: Asked[] = []
  for (const one of wanted) {
    const judged = judgeRecord(one, speakingOf(one.name, views))
    if (judged.is === 'asks') asks.push(...judged.asks)
    else if (!isGone(one, judged)) records.push(found(one, judged, before, now))
  }
  if (asks.length > 0) return { is: 'asks', asks }
  // A clock that was set back must not make a time of trouble longer, nor one of the future end it never.
  const since = began(before?.brokenSince, now)
  return { is: 'found', records, ...(records.some(isBroken) ? { brokenSince: since } : {}) }
}

/** As it has to be, and nothing to tell of. */
const isGone = ({ purpose }: Wanted, { state }: Judged): boolean => purpose === 'RetiredKey' && state === 'Match'

const isWithin = (name: string, zone: string): boolean => name === zone || name.endsWith(`.${zone}`)

/** Of name servers those of the nearest zone: what others have in it they only repeat. Where none has it, all of them. */
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

/** What was seen of another value says nothing of this one. */
const everywhereSince = (last: RecordFound | undefined, want: string, now: number): number =>
  began(last?.want === want ? last.everywhereSince : undefined, now)
