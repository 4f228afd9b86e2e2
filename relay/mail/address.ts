/** Mailboxes as SMTP writes them: one strict grammar (RFC 5321 section 4.1.2), no source routes, no address literals. */
import { domainToASCII, domainToUnicode } from 'node:url'

export type Mailbox = {
  /** As written; the content of the quotes where it was quoted. */
  readonly localPart: string
  /** Lower-case A-label. */
  readonly domain: string
  /** `localPart@domain` exactly as the peer wrote it. */
  readonly address: string
}

/** How a host without a name is written, from an IP address without a zone (RFC 5321 section 4.1.3). */
export const addressLiteral = (address: string): string =>
  address.includes(':') ? `[IPv6:${address}]` : `[${address}]`

// RFC 5321 section 4.5.3.1.3: a path has 256 octets with its brackets. The local part has no limit of its own, since
// reply addresses with more than 64 octets are in daily use.
const maxOctets = 254
// RFC 1035 section 2.3.4, without the octets of the first length and of the root: no DNS knows a longer name.
const longestDomain = 253

// Beyond ASCII only letters, marks and digits: a fullwidth @ or a space that normalises away is no local part.
const dotAtom = /^[\w!#$%&'*+/=?^`{|}~\p{L}\p{M}\p{N}-]+(?:\.[\w!#$%&'*+/=?^`{|}~\p{L}\p{M}\p{N}-]+)*$/u
// Nearly every local part is one, and it takes a fraction of the time.
const asciiDotAtom = /^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*$/
// Angle brackets are grammar there, and the end of the path to who looks for the first one: more would follow as parameters.
const quotedString = /^"((?:[ !#-;=?-[\]-~]|\\[ -;=?-~])+)"$/
// Labels of letters, digits and hyphens, two or more. A last one that begins with a digit is read as a number by some, and the
// whole as an IPv4 address.
const qualified = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/
// RFC 5891 section 4.2.3.1, for a U-label; an ASCII label may have hyphens where it likes.
const misplacedHyphen = /^(?=.*[^\0-\x7f])(?:-|.*-$|..--)/u
// ß, ς and the joiners are letters of their own in IDNA 2008 and others, or none, in IDNA 2003: two domains in one spelling.
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

/** What to write in place of what is none. Beyond ASCII much is plain to the eye that is read in more ways than one. */
export const mailboxInstead = (text: string): string =>
  `user@domain with two labels or more${isAscii(text) ? '' : `, ${canonicalForm}`}`
const canonicalForm = 'beyond ASCII in lower case and composed (NFC), a domain best in A-labels (xn--)'

function parseLocalPart(text: string): string | undefined {
  // Software that decodes encoded-words where it should not finds another address inside such a local part, or, where a word
  // ends in it that began in the name before, behind that: `=?utf-8?q?x <app-?=ceo@corp.t>`.
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

// A U-label is in its canonical form (RFC 5890 section 2.3.2.1): what only a mapping would make one is refused.
function aLabels(text: string): string | undefined {
  const ascii = domainToASCII(text)
  const canonical = ascii !== '' && domainToUnicode(ascii) === text && !ambiguousLetters.test(text)
  return canonical && !text.split('.').some((label) => misplacedHyphen.test(label)) ? ascii : undefined
}

/** What only looks like an A-label (RFC 5890 section 2.3.2.1): who decodes it and encodes it again has another domain. */
const hasFakeLabel = (domain: string): boolean =>
  domain.includes('xn--') && /(?:^|\.)xn--/.test(domainToUnicode(domain))

export const isAscii = (text: string): boolean => /^[\0-\x7f]*$/.test(text)

// Not toLowerCase: it makes an ASCII k of the Kelvin sign.
const lowerAscii = (text: string): string =>
  isAscii(text) ? text.toLowerCase() : text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())

/**
 * The form in which addresses are compared. The case of ASCII letters in a local part does not count: RFC 5321 section
 * 2.4 leaves it to the domain, and no domain gives APP and app to different people.
 */
export const comparable = ({ localPart, domain }: Mailbox): string => `${lowerAscii(localPart)}@${domain}`

/** Equal for the same mailbox, quoted or not, in A-labels or U-labels; local parts may know case (RFC 5321 section 2.4). */
export const comparableForwardPath = (path: string): string => formOf(path, parsePath(path))

/** The same of a path that is read already. */
export const formOf = (path: string, mailbox: Mailbox | undefined): string =>
  mailbox === undefined ? path : `${mailbox.localPart}@${mailbox.domain}`

/** The local part can only be written in quotes: it holds an @, a space or something else that is read differently. */
export const needsQuotes = ({ localPart }: Mailbox): boolean =>
  !asciiDotAtom.test(localPart) && !dotAtom.test(localPart)

export const sameDomain = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

/** True below `parent`, not for `parent` itself. */
export const isSubdomain = (domain: string, parent: string): boolean =>
  domain.toLowerCase().endsWith(`.${parent.toLowerCase()}`)
