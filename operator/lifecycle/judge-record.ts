/** Judges one wanted record by what each server shows, and merges the verdicts into one. */
import type { Lookup, Question, View } from './answer.ts'
import { judgeAlias, judgeKey } from './judge-dkim.ts'
import { judgeDmarc } from './judge-dmarc.ts'
import { judgeRetired } from './judge-retired.ts'
import { judgeSpf } from './judge-spf.ts'
import type { RecordState, RecordVerdict } from './record-verdict.ts'
import type { Wanted } from './records-wanted.ts'

type Verdict = Extract<RecordVerdict, { is: 'verdict' }>

/**
 * How many of the servers that were asked show the record as wanted: all, some or none. A key may sign only after `everywhere`.
 */
export type Seen = 'everywhere' | 'somewhere' | 'nowhere'

export type Judged = Omit<Verdict, 'is'> & {
  readonly seen: Seen
  /** The servers that show it exactly as wanted. */
  readonly showing: readonly string[]
  /** The servers that show something else than the verdict says, or nothing, in words for a person. */
  readonly otherwise: readonly string[]
  /** The servers that did not answer, and why. */
  readonly doubts: readonly string[]
  /** Whether one of those is a resolver; receivers of mail depend on resolvers, too. */
  readonly isUnresolved: boolean
}

/** A question that a server has not been asked yet. */
export type Asked = { readonly view: View; readonly question: Question }

export type JudgedRecord =
  | { readonly is: 'asks'; readonly asks: readonly Asked[] }
  | ({ readonly is: 'judged' } & Judged)

function byOne(wanted: Wanted, lookup: Lookup): RecordVerdict {
  switch (wanted.purpose) {
    case 'SPF':
      return judgeSpf(wanted, lookup)
    case 'DKIM':
      return wanted.type === 'TXT' ? judgeKey(wanted, lookup) : judgeAlias(wanted, lookup)
    case 'DMARC':
      return judgeDmarc(wanted, lookup)
    case 'RetiredKey':
      return judgeRetired(wanted, lookup)
  }
}

type Opinion = { readonly view: View; readonly verdict: Verdict }

type Heard = { readonly opinions: readonly Opinion[]; readonly asks: readonly Asked[] }

/**
 * A resolver that is asked too soon goes on for a while to say that there is no record (RFC 2308), so for one that nobody has
 * seen yet, resolvers are asked only when the name servers of its zone show it.
 */
export function judgeRecord(wanted: Wanted, views: readonly View[], isAwaited = false): JudgedRecord {
  const own = heard(wanted, isAwaited ? views.filter(({ authoritative }) => authoritative) : [])
  const { opinions, asks } = isToCome(own) ? own : heard(wanted, views)
  if (asks.length > 0) return { is: 'asks', asks }
  return { is: 'judged', ...merged(opinions) }
}

/** Whether a name server has yet to be asked, or shows something else than what is wanted. */
const isToCome = ({ opinions, asks }: Heard): boolean =>
  asks.length > 0 || opinions.some(({ verdict: { state } }) => state !== 'Match' && state !== 'Unknown')

function heard(wanted: Wanted, views: readonly View[]): Heard {
  const opinions: Opinion[] = []
  const asks: Asked[] = []
  for (const view of views) {
    const verdict = byOne(wanted, view.lookup)
    if (verdict.is === 'asks') asks.push(...verdict.questions.map((question) => ({ view, question })))
    else opinions.push({ view, verdict })
  }
  return { opinions, asks }
}

const saw = (state: RecordState) => (opinion: Opinion) => opinion.verdict.state === state

/**
 * The zone's own name servers decide, since a resolver may have an old answer in its cache, or make one up. Where they differ
 * among themselves, a record that any of them shows exists: so a server that lags behind does not hold back mail, and a record
 * that has to be removed is gone only when all have dropped it.
 */
function merged(opinions: readonly Opinion[]): Judged {
  const answered = opinions.filter((o) => o.verdict.state !== 'Unknown')
  const own = answered.filter(({ view }) => view.authoritative)
  const deciding = own.length > 0 ? own : answered
  const decided = deciding.find(saw('Leftover')) ?? deciding.find(saw('Match')) ?? deciding[0] ?? opinions[0]
  const silent = opinions.filter(saw('Unknown'))
  if (decided === undefined) throw new RangeError('a record is judged by one server at least')
  const { is: _, ...verdict } = decided.verdict
  const differing = answered.filter((o) => o.verdict.state !== verdict.state)
  return {
    ...verdict,
    seen: seenBy(opinions),
    showing: opinions.filter(saw('Match')).map(({ view }) => view.server),
    otherwise: differing.map(({ view, verdict: v }) => `${view.server} shows ${v.got ?? 'nothing'}`),
    doubts: silent.map(({ view, verdict: v }) => `${view.server}: ${v.why}`),
    isUnresolved: silent.some(({ view }) => !view.authoritative),
  }
}

function seenBy(opinions: readonly Opinion[]): Seen {
  if (opinions.every(saw('Match'))) return 'everywhere'
  return opinions.some(saw('Match')) ? 'somewhere' : 'nowhere'
}
