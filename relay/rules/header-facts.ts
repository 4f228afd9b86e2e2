/** What the checks of a header look at: the parsed block, and the identities in it that say who sends the message. */
import type { SenderConfig } from '../config.ts'
import { decodeWords } from '../mail/encoded-word.ts'
import { besideFolds, type Field, type ParsedFrom, type ParsedHeader, parseFrom, parseHeader } from '../mail/header.ts'
import { type Refusal, refusal } from '../mail/rule.ts'
import type { SubmissionFacts } from './mail-from.ts'
import { ownerOf } from './ownership.ts'

export const headerLimits = { octets: 102_400, fields: 1000, received: 50 } as const

/** One field that says who sends (`From`, `Sender` and their Resent forms), and the one mailbox in it. */
export type Identity = {
  readonly field: string
  readonly parsed: ParsedFrom
  /** The display name as a mail client shows it, with its encoded-words decoded; undefined where they can not be. */
  readonly shown: string | undefined
  /**
   * What of the name some software sees outside of its quotes, since they are folded, and may take for the sender's address
   * (header.ts).
   */
  readonly besideFolds: string
}

export type ContentFacts = SubmissionFacts & {
  readonly reversePath: string
  /** Whether every key of a domain can sign now; absent where the caller has no keys, as the explaining command line. */
  readonly canSign?: (domain: string) => boolean
}

export type HeaderFacts = ContentFacts & {
  readonly octets: number
  readonly header: ParsedHeader
  /** Empty where the header could not be read. */
  readonly fields: readonly Field[]
  readonly identities: readonly Identity[]
  readonly from: ParsedFrom | undefined
  /** The sender domain that the From belongs to; undefined where the credential may not send as it. */
  readonly owner: SenderConfig | undefined
}

// The fields that a mail client may show as the sender. Reply-To is not among them: answers may go to anybody.
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

/** `text` returns the whole field as it stands in the header. */
const identityOf = (field: string, parsed: ParsedFrom, text: () => string): Identity => ({
  field,
  parsed,
  shown: parsed.ok ? decodeWords(parsed.displayName) : undefined,
  besideFolds: parsed.ok && parsed.displayName.includes('@') ? besideFolds(nameIn(text())) : '',
})

/** The display name as it stands in the field, folds included. */
const nameIn = (field: string): string => field.slice(field.indexOf(':') + 1, field.lastIndexOf('<'))

/** The fields that say who sends, cut out of the header: all that has to be judged again by a newer configuration. */
export const sendersIn = (header: Buffer, fields: readonly Field[]): Buffer =>
  Buffer.concat(
    fields.filter(({ name }) => identityNames.has(name)).map(({ start, end }) => header.subarray(start, end)),
  )

// A block beyond the limit is not parsed: its size alone refuses it.
const parseWithinLimit = (block: Buffer): ParsedHeader =>
  block.length > headerLimits.octets ? { ok: false, why: 'too large' } : parseHeader(block)

/** The refusal of what two parsers could read differently. `why` stands in the reply, so it holds nothing that a client wrote. */
export const malformed = (why: string): Refusal => refusal('always.headers', `malformed or ambiguous headers: ${why}`)
