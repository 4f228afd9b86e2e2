/** What the checks of a header look at: the parsed block, and who it says has sent the message. */
import type { SenderConfig } from '../config.ts'
import { decodeWords } from '../mail/encoded-word.ts'
import { besideFolds, type Field, type ParsedFrom, type ParsedHeader, parseFrom, parseHeader } from '../mail/header.ts'
import { type Refusal, refusal } from '../mail/rule.ts'
import type { SubmissionFacts } from './mail-from.ts'
import { ownerOf } from './ownership.ts'

export const headerLimits = { octets: 102_400, fields: 1000, received: 50 } as const

/** One field that says who sends, and its one mailbox. */
export type Identity = {
  readonly field: string
  readonly parsed: ParsedFrom
  /** The display name as a mail client shows it: its encoded-words are decoded. Undefined where they can not be. */
  readonly shown: string | undefined
  /** What of the name some see outside of its quotes, since they are folded; an address in it may be the sender's to them. */
  readonly besideFolds: string
}

export type ContentFacts = SubmissionFacts & {
  readonly reversePath: string
  /** Whether every key of a domain can sign now; absent where nobody has the keys. */
  readonly canSign?: (domain: string) => boolean
}

export type HeaderFacts = ContentFacts & {
  readonly octets: number
  readonly header: ParsedHeader
  /** Empty where the header could not be read. */
  readonly fields: readonly Field[]
  readonly identities: readonly Identity[]
  readonly from: ParsedFrom | undefined
  /** Whose the From is; absent where the credential may not send as it. */
  readonly owner: SenderConfig | undefined
}

// What a mail client shows as the sender; Reply-To is where answers go, and anybody's.
const identityNames: ReadonlyMap<string, string> = new Map([
  ['from', 'From'],
  ['sender', 'Sender'],
  ['resent-from', 'Resent-From'],
  ['resent-sender', 'Resent-Sender'],
])

export function readHeader(facts: ContentFacts, block: Buffer): HeaderFacts {
  const header = parseWithinLimit(block)
  const fields = header.ok ? header.fields : []
  const identities: Identity[] = []
  for (const { name, value, start, end } of fields) {
    const field = identityNames.get(name)
    if (field !== undefined)
      identities.push(identityOf(field, parseFrom(value), () => block.toString('utf8', start, end)))
  }
  const from = identities.find((identity) => identity.field === 'From')?.parsed
  const owner = from?.ok ? ownerOf(facts.credential, from.mailbox) : undefined
  return { ...facts, octets: block.length, header, fields, identities, from, owner }
}

/** `text`: of the whole field. */
const identityOf = (field: string, parsed: ParsedFrom, text: () => string): Identity => ({
  field,
  parsed,
  shown: parsed.ok ? decodeWords(parsed.displayName) : undefined,
  besideFolds: parsed.ok && parsed.displayName.includes('@') ? besideFolds(nameIn(text())) : '',
})

/** As it stands in the field, before the mailbox. */
const nameIn = (field: string): string => field.slice(field.indexOf(':') + 1, field.lastIndexOf('<'))

/** The octets of the fields that say who sends: all that is to be judged again where the configuration is another one. */
export const sendersIn = (header: Buffer, fields: readonly Field[]): Buffer =>
  Buffer.concat(
    fields.filter(({ name }) => identityNames.has(name)).map(({ start, end }) => header.subarray(start, end)),
  )

// A block beyond the limit is not worth reading: its size refuses it.
const parseWithinLimit = (block: Buffer): ParsedHeader =>
  block.length > headerLimits.octets ? { ok: false, why: 'too large' } : parseHeader(block)

/** The refusal of what two parsers could read differently. `why` holds nothing that a client wrote. */
export const malformed = (why: string): Refusal => refusal('always.headers', `malformed or ambiguous headers: ${why}`)
