/** The checks of each identity in a header: From, Sender and their Resent- forms. */
import { isAscii, type Mailbox } from '../mail/address.ts'
import { anyOctets } from '../mail/encoded-word.ts'
import { type Refusal, refusal } from '../mail/rule.ts'
import { readsAsAnother, showsAnotherAddress } from './display-name.ts'
import { type HeaderFacts, type Identity, malformed } from './header-facts.ts'
import { owns } from './ownership.ts'
import type { Check } from './verdict.ts'

type Readable = Extract<Identity['parsed'], { ok: true }>

/** Makes a check of one identity a check of all that could be read: the first refusal counts. */
const each =
  (check: (parsed: Readable, identity: Identity, facts: HeaderFacts) => Refusal | undefined): Check<HeaderFacts> =>
  (facts) => {
    for (const identity of facts.identities) {
      const { parsed } = identity
      const refused = parsed.ok ? check(parsed, identity, facts) : undefined
      if (refused) return refused
    }
    return undefined
  }

export const readableIdentities: Check<HeaderFacts> = ({ identities }) => {
  for (const { field, parsed } of identities) if (!parsed.ok) return malformed(`${field} has ${parsed.why}`)
  return undefined
}

export const asciiUnlessAgreed = each(({ mailbox }, _, { smtpUtf8 }) =>
  smtpUtf8 || isAscii(mailbox.localPart) ? undefined : refusal('always.utf8'),
)

export const noHiddenControls = each(({ displayName }, { field, shown }) =>
  hasHiddenControl(displayName, shown) ? malformed(`${field} has a control character in an encoded-word`) : undefined,
)

/** A name that can not be decoded may still hold no line end or NUL in any way that some software may guess at it. */
const hasHiddenControl = (displayName: string, shown: string | undefined): boolean =>
  shown === undefined ? /[\0\r\n]/.test(anyOctets(displayName)) : /[\0-\x08\n-\x1f\x7f-\x9f\u2028\u2029]/.test(shown)

export const ownsIdentities = each(({ mailbox }, { field }, { credential }) =>
  owns(credential, mailbox)
    ? undefined
    : {
        ...refusal('senderRules.headerFrom', `this credential may not send as this ${field}`),
        address: mailbox.address,
      },
)

export const unquotedIdentities = each(({ mailbox }, { field }) =>
  mailbox.address.startsWith('"') ? malformed(`${field} has a quoted local part`) : undefined,
)

export const showsOwnAddress = each(({ displayName, joinedName, mailbox }, { field, shown }, { config }) => {
  if (config.senderRules.headerFrom.displayNameAddress === 'Allow' || displayName === '') return undefined
  const rule = 'senderRules.headerFrom.displayNameAddress'
  if (shown === undefined) return refusal(rule, `the display name of ${field} is encoded in a way that hides it`)
  const shows = (name: string): boolean => showsAnotherAddress(name, mailbox)
  return [...new Set([shown, displayName, joinedName])].some(shows)
    ? refusal(rule, `the display name of ${field} shows another address`)
    : undefined
})

/**
 * Software that decodes encoded-words before it parses the field (RFC 2047 section 6.2 has it the other way round) takes an
 * address in angle brackets in them for the mailbox. And what is no encoded-word to us may be one to others, together with a
 * quote in it: to them the quotes begin and end elsewhere, and what we see in quotes is outside.
 */
export const noHiddenMailbox = each(({ displayName, mailbox }, { field, shown, besideFolds }) => {
  if (besideFolds !== '' && hasAddressBeside(besideFolds, mailbox))
    return malformed(`${field} has an address in a quoted name that is folded`)
  if (!displayName.includes('=?')) return undefined
  const hides =
    shown === undefined
      ? displayName.includes('@') || takesMailboxIn(displayName) || isBracketed(anyOctets(displayName))
      : isBracketed(shown) && (goesOn.test(shown) || showsAnotherAddress(shown, mailbox))
  return hides ? malformed(`${field} has an address behind or beside an encoding that is read in two ways`) : undefined
})

/** The same for an address without brackets, which is refused only where display names may show no other address at all. */
export const readsAsOwnAddress = each(({ displayName, mailbox }, { field, shown }, { config }) =>
  config.senderRules.headerFrom.displayNameAddress === 'Reject' &&
  shown !== undefined &&
  displayName !== shown &&
  readsAsAnother(shown, mailbox)
    ? refusal(
        'senderRules.headerFrom.displayNameAddress',
        `the display name of ${field} is read as another address where it is decoded first`,
      )
    : undefined,
)

const hasAddressBeside = (folds: string, mailbox: Mailbox): boolean =>
  goesOn.test(folds) || isJoined.test(folds) || showsAnotherAddress(folds, mailbox)

/** In brackets: white space and comments within are skipped, so `<app@corp.t (x) .other.t>` is one address, of corp.t.other.t. */
const goesOn = /<(?=[^<>]*@)[^<>]*[\s(]/

/**
 * Software that parses as RFC 822 did skips them outside of brackets as well, and joins each of these to one address: `app@corp.t
 * (x) .other.t`, `app@corp.t other.t`, `ceo. app@corp.t`, and `@other.t` with the quoted string before it as local part.
 */
const isJoined = /@[^\s()<>,;@]*(?:\s+[^\s)>,;]|\()|\.\s+[^\s()<>,;@]+@|(?:^|[\s)[\]{}',;:|<>])@/

/** Python's email looks for the end of a word that begins with an escape behind that, and finds it nowhere: all of the field is in it. */
const takesMailboxIn = (name: string): boolean => {
  const last = name.lastIndexOf('?=')
  return /^[0-9a-f]{2}/i.test(name.slice(last + 2, last + 4)) && /=\?[^?]*\?[bq]$/i.test(name.slice(0, last))
}

const isBracketed = (text: string): boolean => text.includes('<') && text.includes('@')
