/** Encodes DNS questions, and reads what a reply says (RFC 1035, RFC 6891). Pure. */
import * as packet from 'dns-packet'
import type { QuestionType } from '../lifecycle/answer.ts'

export type Query = {
  readonly name: string
  readonly type: QuestionType | 'NS'
  /** Asks for the answer even if its DNSSEC signatures are invalid (the CD bit, RFC 4035 section 3.2.2). */
  readonly unverified?: true
}

export type Reply =
  | {
      readonly is: 'records'
      /** As in `Answer`; for NS the host name. */
      readonly records: readonly string[]
      readonly ttl: number
      readonly authenticated: boolean
      /** Whether the server is authoritative for the zone (the AA bit). */
      readonly own: boolean
    }
  /** NXDOMAIN, or no record of that type. */
  | { readonly is: 'absent'; readonly own: boolean }
  /** The name is an alias for `target`, about which the server says nothing. */
  | { readonly is: 'alias'; readonly target: string; readonly own: boolean }
  /** The server refers to other servers, and does not answer itself. */
  | { readonly is: 'referral' }
  | { readonly is: 'unknown'; readonly why: string }

/** The largest UDP message that is not fragmented on the way (RFC 9715). */
const udpOctets = 1232

/** RFC 1035 section 2.3.4: a longer name, or a longer label, can not exist. */
export const isName = (name: string): boolean =>
  name.length <= 253 && name.split('.').every((label) => label.length > 0 && label.length <= 63)

/** `recursive`: whether the server should ask others for us (the RD bit). */
export const questionMessage = (id: number, { name, type, unverified }: Query, recursive: boolean): Buffer =>
  packet.encode({
    type: 'query',
    id,
    flags: (recursive ? packet.RECURSION_DESIRED : 0) | (unverified ? packet.CHECKING_DISABLED : 0),
    questions: [{ name, type }],
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: udpOctets,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ],
  })

type Decoded = packet.DecodedPacket

const headOctets = 12
/**
 * Protects us from hostile replies: 64 KiB have room for five thousand records whose names are pointers to 127 labels, which take
 * a tenth of a second to read.
 */
const mostRecords = 1000

/** The numbers of answer, authority and additional records in the header (RFC 1035 section 4.1.1). */
const recordsCountedIn = (message: Buffer): number => [6, 8, 10].reduce((sum, at) => sum + message.readUInt16BE(at), 0)

/** Undefined where this is no reply to the question: then somebody else may have sent it, and the real reply may still come. */
export function replyIn(message: Buffer, id: number, query: Query): Reply | 'truncated' | undefined {
  if (message.length < headOctets || message.readUInt16BE(0) !== id) return undefined
  if (recordsCountedIn(message) > mostRecords)
    return { is: 'unknown', why: `a reply of more than ${mostRecords} records` }
  let decoded: Decoded
  try {
    decoded = packet.decode(message)
  } catch {
    return undefined
  }
  if (decoded.type !== 'response' || !isAbout(decoded, query)) return undefined
  return decoded.flag_tc ? 'truncated' : meaning(decoded, query)
}

const lower = (name: string): string => name.toLowerCase().replace(/\.$/, '')

function isAbout({ questions = [] }: Decoded, { name, type }: Query): boolean {
  const [asked] = questions
  return questions.length === 1 && asked?.type === type && lower(asked.name) === lower(name)
}

/** RFC 9520 section 2: a longer chain of aliases is not followed. */
const mostAliases = 11

function meaning(decoded: Decoded, { name, type }: Query): Reply {
  const { rcode, flag_aa: own, flag_ad: authenticated } = decoded as Decoded & { readonly rcode: string }
  if (rcode !== 'NOERROR' && rcode !== 'NXDOMAIN') return { is: 'unknown', why: rcode }
  const chain = aliasesIn(decoded, lower(name))
  const target = chain.at(-1) ?? ''
  if (type !== 'CNAME' && chain.indexOf(target) < chain.length - 1) return { is: 'unknown', why: inCircle(chain) }
  const found = recordsOf(decoded, { name: type === 'CNAME' ? lower(name) : target, type })
  if (found !== undefined) return { ...found, own, authenticated }
  if (rcode === 'NXDOMAIN') return { is: 'absent', own }
  if (chain.length > 1) return { is: 'alias', target, own }
  return !own && isReferral(decoded) ? { is: 'referral' } : { is: 'absent', own }
}

/** The name and its chain of CNAME targets. If the chain is a circle, or too long, its last name is in it twice. */
function aliasesIn(decoded: Decoded, name: string): readonly string[] {
  const chain = [name]
  while (chain.length <= mostAliases) {
    const target = recordsOf(decoded, { name: chain.at(-1) ?? '', type: 'CNAME' })?.records[0]
    if (target === undefined) return chain
    const known = chain.includes(target)
    chain.push(target)
    if (known) return chain
  }
  // A chain that is too long is treated like a circle.
  return [...chain, chain.at(-1) ?? '']
}

const inCircle = (chain: readonly string[]): string =>
  `the alias ${chain.slice(0, 4).join(' → ')}${chain.length > 4 ? ' → …' : ''} has no end; correct the CNAME`

/** RFC 2308 section 2.2: NS records without an SOA refer to other servers; an SOA means that there is no such record. */
const isReferral = ({ authorities = [] }: Decoded): boolean =>
  authorities.some(({ type }) => type === 'NS') && !authorities.some(({ type }) => type === 'SOA')

function recordsOf({ answers = [] }: Decoded, { name, type }: Query) {
  const own = answers.filter((record) => record.type === type && lower(record.name) === name)
  if (own.length === 0) return undefined
  const ttl = Math.min(...own.map((record) => ('ttl' in record ? (record.ttl ?? 0) : 0)))
  return { is: 'records', records: own.map(textOf), ttl } as const
}

function textOf(record: packet.Answer): string {
  switch (record.type) {
    case 'TXT':
      return Buffer.concat([record.data].flat().map((part) => Buffer.from(part))).toString('latin1')
    case 'MX':
      return lower(record.data.exchange)
    case 'A':
    case 'AAAA':
    case 'CNAME':
    case 'NS':
      return lower(record.data)
    default:
      return ''
  }
}
