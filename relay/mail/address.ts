/** Mailboxes as SMTP writes them: one strict grammar (RFC 5321 section 4.1.2), no source routes, no address literals. */
import { isIP } from 'node:net'
import { domainToASCII, domainToUnicode } from 'node:url'

export type Mailbox = {
  /** As the peer wrote it; where it was quoted, the content of the quotes without backslashes. */
  readonly localPart: string
  /** Lower-case A-label. */
  readonly domain: string
  /** `localPart@domain` exactly as the peer wrote it. */
  readonly address: string
}

/** The address literal of an IP address (RFC 5321 section 4.1.3), which must come without a zone. */
export const addressLiteral = (address: string): string =>
  address.includes(':') ? `[IPv6:${address}]` : `[${address}]`

/** Whether it is the literal of an IP address, which for IPv6 has a tag. */
export function isAddressLiteral(text: string): boolean {
  const [, tag, address = ''] = /^\[(IPv6:)?([\da-f:.]+)\]$/i.exec(text) ?? []
  return isIP(address) === (tag === undefined ? 4 : 6)
}

// RFC 5321 section 4.5.3.1.3: a path has at most 256 octets with its brackets. The limit of 64 for a local part is not kept: reply
// addresses with longer ones are in daily use.
const maxOctets = 254
// RFC 1035 section 2.3.4: 255 octets in DNS, two of which (the first length and the root) are not in the text.
const longestDomain = 253

// Beyond ASCII only letters, marks and digits: a fullwidth @ or a space that normalises away is no local part.
const dotAtom = /^[\w!#$%&'*+/=?^`{|}~\p{L}\p{M}\p{N}-]+(?:\.[\w!#$%&'*+/=?^`{|}~\p{L}\p{M}\p{N}-]+)*$/u
// Nearly every local part is one of these, and the look takes a fraction of the time.
const asciiDotAtom = /^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*$/
// RFC 5321 allows angle brackets in quotes. Here they are refused: software that looks for the first `>` ends the path there, and
// takes what follows for parameters.
const quotedString = /^"((?:[ !#-;=?-[\]-~]|\\[ -;=?-~])+)"$/
// Two or more labels of letters, digits and hyphens. The last one may not begin with a digit: some software would read the whole
// as an IPv4 address.
const qualified = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/
// Hyphens where a U-label may have none (RFC 5891 section 4.2.3.1); for an ASCII label that is no rule.
const misplacedHyphen = /^(?=.*[^\0-\x7f])(?:-|.*-$|..--)/u
// ß, ς and the two joiners: IDNA 2008 keeps them, IDNA 2003 maps them to other letters or to none, so one spelling is two domains.
const ambiguousLetters = /[\u00df\u03c2\u200c\u200d]/u

/** The mailbox in the argument of MAIL FROM or RCPT TO, without its angle brackets; undefined where it is none. */
export function parsePath(text: string): Mailbox | undefined {
  // A domain has no @, so the last one ends the local part.
  const at = text.lastIndexOf('@')
  if (at < 1 || text.length > maxOctets || Buffer.byteLength(text) > maxOctets) return undefined
  const localPart = parseLocalPart(text.slice(0, at))
  const domain = parseDomain(text.slice(at + 1))
  return localPart === undefined || domain === undefined ? undefined : { localPart, domain, address: text }
}

/** For a reply: what form of mailbox to write in place of `text`, which is none. It holds nothing of `text`. */
export const mailboxInstead = (text: string): string =>
  `user@domain with two labels or more${isAscii(text) ? '' : `, ${canonicalForm}`}`
const canonicalForm = 'beyond ASCII in lower case and composed (NFC), a domain best in A-labels (xn--)'

function parseLocalPart(text: string): string | undefined {
  // Software that decodes encoded-words where it should not would find another address within such a local part; or behind it,
  // where an encoded-word that began in the display name ends in it: `=?utf-8?q?x <app-?=ceo@corp.t>`.
  if (text.includes('=?') || text.includes('?=')) return undefined
  if (asciiDotAtom.test(text)) return text
  if (dotAtom.test(text)) return text.normalize('NFKC') === text ? text : undefined
  return quotedString.exec(text)?.[1]?.replace(/\\(.)/g, '$1')
}

/** The lower-case A-label form of a fully qualified domain name; undefined where it is none. */
export function parseDomain(text: string): string | undefined {
  const domain = isAscii(text) ? text.toLowerCase() : aLabels(lowerAscii(text))
  if (domain === undefined || domain.length > longestDomain || !qualified.test(domain)) return undefined
  return hasFakeLabel(domain) ? undefined : domain
}

// Only a U-label in its canonical form is taken (RFC 5890 section 2.3.2.1); one that would first have to be mapped to that is
// refused.
function aLabels(text: string): string | undefined {
  const ascii = domainToASCII(text)
  const canonical = ascii !== '' && domainToUnicode(ascii) === text && !ambiguousLetters.test(text)
  return canonical && !text.split('.').some((label) => misplacedHyphen.test(label)) ? ascii : undefined
}

/**
 * A label that looks like an A-label and is none (RFC 5890 section 2.3.2.1): decoded and encoded again, it would be another
 * domain.
 */
const hasFakeLabel = (domain: string): boolean =>
  domain.includes('xn--') && /(?:^|\.)xn--/.test(domainToUnicode(domain))

export const isAscii = (text: string): boolean => /^[\0-\x7f]*$/.test(text)

// Not toLowerCase for all of it: that makes an ASCII k of the Kelvin sign.
const lowerAscii = (text: string): string =>
  isAscii(text) ? text.toLowerCase() : text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())

/**
 * The form in which addresses are compared. The case of ASCII letters in a local part does not count: RFC 5321 section
 * 2.4 leaves it to the domain, and no domain gives APP and app to different people.
 */
export const comparable = ({ localPart, domain }: Mailbox): string => `${lowerAscii(localPart)}@${domain}`

/**
 * The form in which recipients are compared: one for quoted or not, A-labels or U-labels. Local parts keep case (RFC 5321 section
 * 2.4).
 */
export const comparableForwardPath = (path: string): string => formOf(path, parsePath(path))

/** The same where `mailbox` is what `parsePath(path)` has returned. */
export const formOf = (path: string, mailbox: Mailbox | undefined): string =>
  mailbox === undefined ? path : `${mailbox.localPart}@${mailbox.domain}`

/**
 * The local part can only be written in quotes, since it holds an @, a space or the like: software reads these in different ways.
 */
export const needsQuotes = ({ localPart }: Mailbox): boolean =>
  !asciiDotAtom.test(localPart) && !dotAtom.test(localPart)

/** For domains in ASCII, without case. */
export const sameDomain = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

/** True below `parent`, not for `parent` itself. */
export const isSubdomain = (domain: string, parent: string): boolean =>
  domain.toLowerCase().endsWith(`.${parent.toLowerCase()}`)
