/** May this credential send a message with this header? */
import { parsePath } from '../mail/address.ts'
import { brokenText } from '../mail/broken-text.ts'
import { refusal } from '../mail/rule.ts'
import { aligned } from './alignment.ts'
import { type ContentFacts, type HeaderFacts, headerLimits, malformed, readHeader } from './header-facts.ts'
import * as identity from './identity.ts'
import { type Check, enforcementOf, judge, type Verdict } from './verdict.ts'

export type HeaderVerdict = Verdict & {
  /** The domain of the visible From; empty where that could not be read, in which case the message is refused. */
  readonly fromDomain: string
  /** The SenderDomain that the From belongs to; absent where the credential may not send as it. */
  readonly signingDomain?: string
}

const withinLimits: Check<HeaderFacts> = ({ octets, fields }) =>
  octets > headerLimits.octets || fields.length > headerLimits.fields ? refusal('always.headerSize') : undefined

const isHeader: Check<HeaderFacts> = ({ header }) => (header.ok ? undefined : malformed(header.why))

const isNoLoop: Check<HeaderFacts> = ({ fields }) =>
  count(fields, 'received') > headerLimits.received ? refusal('always.hops') : undefined

function count(fields: HeaderFacts['fields'], wanted: string): number {
  let found = 0
  for (const { name } of fields) if (name === wanted) found++
  return found
}

const onlyOnce = [
  ...['from', 'sender', 'reply-to', 'to', 'cc', 'bcc', 'subject', 'date'],
  ...['message-id', 'in-reply-to', 'references'],
  ...['mime-version', 'content-type', 'content-transfer-encoding', 'content-disposition', 'content-id'],
]
/** Each of these names has a bit, so that those of a header are collected in a number; a Set would be made for each header. */
const bits: ReadonlyMap<string, number> = new Map(onlyOnce.map((name, i) => [name, 1 << i]))
const noSecondOne: Check<HeaderFacts> = ({ fields }) => {
  let seen = 0
  for (const { name } of fields) {
    const bit = bits.get(name) ?? 0
    if ((seen & bit) !== 0) return malformed(`more than one ${name}`)
    seen |= bit
  }
  return undefined
}

const hasFrom: Check<HeaderFacts> = ({ from }) => (from ? undefined : malformed('no From'))

const alignedWithReversePath: Check<HeaderFacts> = ({ from, reversePath, config }) => {
  if (reversePath === '' || !from?.ok || reversePath === from.mailbox.address) return undefined
  const reverseDomain = parsePath(reversePath)?.domain ?? ''
  return aligned(config.senderRules.alignment.mode, reverseDomain, from.mailbox.domain)
    ? undefined
    : { ...refusal('senderRules.alignment'), address: from.mailbox.address }
}

/** With whenBroken Refuse, the domain's owner wants mail that can not be signed back at once rather than late. */
const canBeSigned: Check<HeaderFacts> = ({ owner, config, canSign }) => {
  const signing = owner && config.signing?.find((one) => one.domain === owner.domain)
  if (signing?.whenBroken !== 'Refuse') return undefined
  return signing.keys.length === 0 || canSign?.(signing.domain) === false
    ? refusal('senderDomain.whenBroken')
    : undefined
}

/** With whenBroken Refuse, mail of a domain with broken DNS records is not taken: receivers could not verify it. */
const recordsInOrder: Check<HeaderFacts> = ({ owner, config }) => {
  const broken = owner && config.brokenDomains?.find((one) => one.domain === owner.domain)
  return broken?.action === 'Refuse' ? refusal('senderDomain.whenBroken', brokenText(broken)) : undefined
}

/** In Audit, only ownsIdentities, showsOwnAddress, readsAsOwnAddress and alignedWithReversePath let pass what they would refuse. */
const headerChecks: readonly Check<HeaderFacts>[] = [
  withinLimits, //                octets and fields
  isHeader, //                    RFC 5322 section 2.2, and no two ways to read it
  isNoLoop, //                    RFC 5321 section 6.3
  noSecondOne, //                 RFC 5322 section 3.6, RFC 2045 section 3
  hasFrom, //                     what everybody sees as the sender
  identity.readableIdentities, // one mailbox each, in its plain form
  identity.asciiUnlessAgreed, //  RFC 6532 needs SMTPUTF8
  identity.noHiddenControls, //   neither NUL nor CRLF behind an encoding
  identity.ownsIdentities, //     RFC 6409 section 6.1
  identity.unquotedIdentities, // parsers disagree on a quoted local part
  identity.showsOwnAddress, //    what a person sees is what was judged
  identity.noHiddenMailbox, //    no software finds another mailbox in the display name
  identity.readsAsOwnAddress, //  nor software that decodes the name before it reads the field
  alignedWithReversePath, //      the null reverse-path is aligned with every From
  canBeSigned, //                 RFC 6376: a domain may ask for all of its mail to be signed
  recordsInOrder, //              RFC 7208, RFC 9989: and for none while nobody can verify it
]

/** `header` is the block up to its blank line, that included, or the whole content where it has none. */
export const judgeHeader = (facts: ContentFacts, header: Buffer): HeaderVerdict => judgeRead(readHeader(facts, header))

/** The same for a header that is read already. */
export function judgeRead(read: HeaderFacts): HeaderVerdict {
  const verdict = judge(headerChecks, read, enforcementOf(read.config))
  const fromDomain = read.from?.ok ? read.from.mailbox.domain : ''
  const { owner } = read
  return owner === undefined ? { ...verdict, fromDomain } : { ...verdict, fromDomain, signingDomain: owner.domain }
}
