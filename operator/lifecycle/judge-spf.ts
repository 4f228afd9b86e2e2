/** SPF: one record that receivers can use, and that our mail passes. */
import type { Lookup } from './answer.ts'
import { type RecordVerdict, shown, verdict } from './record-verdict.ts'
import type { Wanted } from './records-wanted.ts'
import { passes } from './spf-passes.ts'
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
        why: `there are ${walk.texts.length} SPF records, and then receivers use none; make one of them`,
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
  return verdict({ state: 'Mismatch', ...found, why: `our mail does not pass it; add ${lacking.join(' ')}` })
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

/** What lacks goes first: nothing that stands before it can take it away again. */
const completed = (text: string, lacking: readonly string[]): string =>
  lacking.length === 0 ? text : text.replace(/^\S+/, (version) => [version, ...lacking].join(' '))

/** RFC 7208 section 3.4: what is longer may not fit into an answer by UDP, with the other TXT records of the name. */
const longOctets = 450

const notesOn = ({ text, tree, lookups, voids, unforeseeable }: Read): readonly string[] => [
  ...(text.length >= longOctets
    ? [`the record has ${text.length} octets; below ${longOctets} it fits any answer`]
    : []),
  ...(lookups > limits.lookups - 2 ? [`it needs ${lookups} of the ${limits.lookups} look-ups that are allowed`] : []),
  ...(voids > 0 ? [`${voids} of its look-ups find nothing; take them away`] : []),
  ...(unforeseeable ? ['it has macros or ptr, which nobody can judge without a message'] : []),
  ...(tree.branches.some(({ qualifier, matches }) => qualifier === '+' && matches.is === 'everything')
    ? ['+all lets everybody pass: it is worth nothing']
    : []),
  ...(text.toLowerCase().includes('?all') ? ['?all says nothing of others; use ~all or -all'] : []),
]
