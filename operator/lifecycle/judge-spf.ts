/** Judges SPF: there must be exactly one record, which is valid and which our mail passes. */
import type { Lookup } from './answer.ts'
import { type RecordVerdict, shown, verdict } from './record-verdict.ts'
import type { Wanted } from './records-wanted.ts'
import { isBehindVoids, passes } from './spf-passes.ts'
import type { Network } from './spf-record.ts'
import { includedBy, limits, type SpfWalk, walkSpf } from './spf-walk.ts'

type WantedSpf = Extract<Wanted, { purpose: 'SPF' }>
type Read = Extract<SpfWalk, { is: 'read' }>

export function judgeSpf(wanted: WantedSpf, lookup: Lookup): RecordVerdict {
  const walk = walkSpf(wanted.name, lookup)
  switch (walk.is) {
    case 'asks':
      return walk
    case 'unknown':
      return verdict({ state: 'Unknown', want: freshRecord(wanted), why: walk.why })
    case 'absent':
      return verdict({ state: 'Missing', want: freshRecord(wanted), why: 'there is no SPF record; add it' })
    case 'several':
      return verdict({
        state: 'Duplicate',
        want: freshRecord(wanted),
        got: shown(walk.texts),
        why: `there are ${walk.texts.length} SPF records, so receivers use none of them; merge them into one`,
      })
    case 'error':
      return verdict({ state: 'Mismatch', want: freshRecord(wanted), got: shown([walk.text]), why: walk.why })
    case 'read':
      return judgeRead(wanted, walk)
  }
}

function judgeRead(wanted: WantedSpf, walk: Read): RecordVerdict {
  const lacking = missingTerms(wanted, walk)
  const found = { want: completed(walk.text, lacking), got: shown([walk.text]), notes: notesOn(walk) }
  if (lacking.length === 0) return verdict({ state: 'Match', ...found, why: '' })
  return verdict({ state: 'Mismatch', ...found, why: `our mail does not pass it; ${mend(lacking, wanted, walk)}` })
}

function mend(lacking: readonly string[], { networks }: WantedSpf, { tree }: Read): string {
  const late = networks.find((network) => isBehindVoids(tree, network))
  if (late === undefined) return `add ${lacking.join(' ')}`
  const type = late.family === 'ipv4' ? 'A' : 'AAAA'
  return `more than ${limits.voids} look-ups find no ${type} record, and receivers stop there; put before them ${lacking.join(' ')}`
}

const missingTerms = ({ include, networks }: WantedSpf, { tree }: Read): readonly string[] => {
  const included = includedBy(tree)
  return [
    ...include.filter((domain) => !included.has(domain)).map((domain) => `include:${domain}`),
    ...networks.filter((network) => !passes(tree, network)).map(asTerm),
  ]
}

function asTerm({ address, family, prefix }: Network): string {
  const whole = prefix === (family === 'ipv4' ? 32 : 128)
  return `${family === 'ipv4' ? 'ip4' : 'ip6'}:${address}${whole ? '' : `/${prefix}`}`
}

const freshRecord = ({ include, networks }: WantedSpf): string =>
  ['v=spf1', ...include.map((domain) => `include:${domain}`), ...networks.map(asTerm), '~all'].join(' ')

/** Missing terms stand first, because a term before them could already decide otherwise, also where they are there already. */
function completed(text: string, lacking: readonly string[]): string {
  if (lacking.length === 0) return text
  const [version, ...terms] = text.split(/ +/)
  return [version, ...lacking, ...terms.filter((term) => !lacking.includes(term))].join(' ')
}

/** RFC 7208 section 3.4: a longer record may not fit into a UDP answer together with other TXT records of the name. */
const longOctets = 450

const notesOn = ({ text, tree, lookups, voids, unforeseeable }: Read): readonly string[] => [
  ...(text.length >= longOctets
    ? [`the record has ${text.length} octets; keep it below ${longOctets}, so that it fits into any DNS answer`]
    : []),
  ...(lookups > limits.lookups - 2 ? [`it needs ${lookups} of the ${limits.lookups} look-ups that are allowed`] : []),
  ...(voids > 0 ? [`${voids} of its look-ups find nothing; remove them`] : []),
  ...(unforeseeable ? ['it has macros or ptr, which can not be judged without a message'] : []),
  ...(tree.branches.some(({ qualifier, matches }) => qualifier === '+' && matches.is === 'everything')
    ? ['+all lets everybody send as this domain; use ~all or -all']
    : []),
  ...(text.toLowerCase().includes('?all') ? ['?all makes no statement about other senders; use ~all or -all'] : []),
]
