/** Parses DMARC policy records (RFC 9989, which replaces RFC 7489): what receivers should do, and where reports go. */
import { parseTagList, quoted } from './tag-list.ts'

export const policies = ['none', 'quarantine', 'reject'] as const
export type DmarcPolicy = (typeof policies)[number]

export type DmarcRecord =
  | {
      readonly is: 'policy'
      readonly policy: DmarcPolicy
      /** For subdomains (sp=); absent: the same as `policy`. */
      readonly subdomainPolicy?: DmarcPolicy
      /** Where aggregate reports go (rua=), without size limits such as `!10m`. */
      readonly reports: readonly string[]
      /** Whether receivers are asked to apply one step less: `t=y` (RFC 9989), or a `pct` below 100 (RFC 7489). */
      readonly lenient: boolean
    }
  | { readonly is: 'invalid'; readonly why: string }

const invalid = (why: string): DmarcRecord => ({ is: 'invalid', why })

/** Whether a TXT record is a DMARC record at all; others at the same name are ignored. */
export const isDmarc = (text: string): boolean => /^v[ \t]*=[ \t]*DMARC1[ \t]*(;|$)/.test(text)

const asPolicy = (text: string | undefined): DmarcPolicy | undefined =>
  policies.find((policy) => policy === text?.toLowerCase())

export function parseDmarcRecord(text: string): DmarcRecord {
  const list = parseTagList(text)
  if (!list.ok) return invalid(list.why)
  const { tags } = list
  const reports = (tags.get('rua') ?? '').split(',').flatMap((uri) => uri.trim().replace(/![0-9]+[kmgt]?$/i, '') || [])
  const [p, sp] = [tags.get('p'), tags.get('sp')]
  const policy = asPolicy(p)
  if (policy === undefined) return invalid(p === undefined ? 'p= is missing' : `p=${quoted(p)} is no policy`)
  const subdomainPolicy = asPolicy(sp)
  if (sp !== undefined && subdomainPolicy === undefined) return invalid(`sp=${quoted(sp)} is no policy`)
  const pct = tags.get('pct') ?? '100'
  if (!/^[0-9]{1,3}$/.test(pct) || Number(pct) > 100) return invalid(`pct=${quoted(pct)} is no percentage`)
  const badReport = reports.find((uri) => !/^(mailto:[^@\s]+@[^@\s]+|https?:\/\/\S+)$/i.test(uri))
  if (badReport !== undefined) return invalid(`rua=${quoted(badReport)} is no address to report to`)
  return {
    is: 'policy',
    policy,
    ...(subdomainPolicy === undefined ? {} : { subdomainPolicy }),
    reports,
    lenient: tags.get('t') === 'y' || Number(pct) < 100,
  }
}

/** A number to compare policies by: none is 0, quarantine 1, reject 2, and a lenient one is a step weaker. */
export const strength = (policy: DmarcPolicy, lenient = false): number =>
  Math.max(0, policies.indexOf(policy) - (lenient ? 1 : 0))
