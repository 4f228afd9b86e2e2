/**
 * Judges DMARC: finds the policy that applies to a domain, its own or its organisational domain's, and whether it is strong
 * enough.
 */
import type { Lookup } from './answer.ts'
import { type DmarcRecord, isDmarc, parseDmarcRecord, strength } from './dmarc-record.ts'
import { type RecordVerdict, shown, verdict } from './record-verdict.ts'
import { organizationalDomain, type Wanted } from './records-wanted.ts'

type WantedDmarc = Extract<Wanted, { purpose: 'DMARC' }>
type Policy = Extract<DmarcRecord, { is: 'policy' }>

/** RFC 9989 section 4.10: the domain itself, and then the organisational domain above it. */
export function judgeDmarc(wanted: WantedDmarc, lookup: Lookup): RecordVerdict {
  const organization = organizationalDomain(wanted.domain)
  const domains = [...new Set([wanted.domain, organization])]
  const want = freshRecord(wanted)
  for (const domain of domains) {
    const question = { name: `_dmarc.${domain}`, type: 'TXT' } as const
    const answer = lookup(question)
    if (answer === undefined) return { is: 'asks', questions: [question] }
    if (answer.is === 'unknown') return verdict({ state: 'Unknown', want, why: answer.why })
    const texts = answer.is === 'records' ? answer.records.filter(isDmarc) : []
    if (texts.length > 0) return judgeTexts(wanted, domain, texts)
  }
  return verdict({ state: 'Missing', want, why: 'there is no DMARC record; add it' })
}

function judgeTexts(wanted: WantedDmarc, domain: string, texts: readonly string[]): RecordVerdict {
  const [want, got, place] = [freshRecord(wanted), shown(texts), `_dmarc.${domain}`]
  const [text = ''] = texts
  if (texts.length > 1) {
    const why = `${place} has ${texts.length} DMARC records, so receivers ignore all of them; leave one`
    return verdict({ state: 'Duplicate', want, got, why })
  }
  const record = parseDmarcRecord(text)
  if (record.is === 'invalid') {
    return verdict({ state: 'Mismatch', want, got, why: `${place}: ${record.why}; correct it` })
  }
  const why = weaknesses(wanted, record, domain).join('; ')
  return verdict({ state: why === '' ? 'Match' : 'Mismatch', want, got, why, notes: notesOn(record) })
}

function weaknesses(wanted: WantedDmarc, record: Policy, domain: string): readonly string[] {
  const { minimumPolicy, reports } = wanted
  const inherited = domain !== wanted.domain
  const policy = inherited ? (record.subdomainPolicy ?? record.policy) : record.policy
  const tag = inherited && record.subdomainPolicy !== undefined ? 'sp' : 'p'
  const lenient = record.lenient ? ', for a test or a part of the mail only' : ''
  const weak = strength(policy, record.lenient) < strength(minimumPolicy)
  const unreported = reports !== undefined && !record.reports.some((r) => sameUri(r, reports))
  return [
    ...(weak
      ? [`_dmarc.${domain} says ${tag}=${policy}${lenient}; ${minimumPolicy} is the least that is expected`]
      : []),
    ...(unreported ? [`_dmarc.${domain} does not send reports to ${reports}; add it to rua=`] : []),
  ]
}

const sameUri = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

/** The record to publish where there is none yet. */
export const freshRecord = ({ minimumPolicy, reports }: Pick<WantedDmarc, 'minimumPolicy' | 'reports'>): string =>
  `v=DMARC1; p=${minimumPolicy}${reports === undefined ? '' : `; rua=${reports}`}`

const notesOn = ({ policy, reports }: Policy): readonly string[] => [
  ...(policy === 'none' ? ['p=none asks receivers to do nothing with forged mail'] : []),
  ...(reports.length === 0 ? ['there is no rua=, so nobody gets reports on who sends as the domain'] : []),
]
