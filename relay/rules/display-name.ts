/** Does a display name show an address that is not the mailbox beside it? Mail clients show the name and hide the rest. */
import { comparable, isAscii, type Mailbox, parseDomain, parsePath } from '../mail/address.ts'

/** `shown` is the display name as a client would show it: its encoded-words are decoded. */
export function showsAnotherAddress(shown: string, mailbox: Mailbox): boolean {
  // NFKC: a reader takes the fullwidth @ and its like for an @.
  const normal = isAscii(shown) ? shown : shown.normalize('NFKC')
  if (!normal.includes('@')) return false
  if (turning.test(normal)) return true
  const readings = isAscii(shown) ? [shown] : [...new Set([normal, closedUp(shown), ofAscii(shown)])]
  return readings.some((text) => hasAnotherAddress(text.toLowerCase(), mailbox))
}

/**
 * What turns the direction of text: a reader sees the parts in another order. In `<U+2067>Mail of app@corp.t <U+2069>eam`, the space
 * before the U+2069 is shown first, and `Mail of app@corp.team` behind it.
 */
const turning = /\p{Bidi_Control}/u
// Characters that a reader does not see: `app@corp.t<U+FEFF>.evil.t` looks like one address.
const invisible = /[\p{Default_Ignorable_Code_Point}\u2800]/gu
/** Spaces of a sixth of an em and less. */
const thin = /[\u2006\u2008-\u200a\u202f\u205f]/g
/** NFKC puts a space, which nobody sees, before a mark that stands alone: `´`, `˙`. */
const spaceOfMark = / (?=\p{M})/gu

/** In NFKC, without the gaps that a reader does not see, or hardly. */
const closedUp = (shown: string): string =>
  shown.replace(thin, '').normalize('NFKC').replace(spaceOfMark, '').replace(invisible, '')

/** As software shows it that leaves out what it takes for no character, as PHP's iconv_mime_decode does with UTF-8 as it is. */
const ofAscii = (shown: string): string => shown.replace(/[^\0-\x7f]/g, '')

function hasAnotherAddress(text: string, mailbox: Mailbox): boolean {
  const spaced = joinAroundAt(text)
  return (
    addressesIn(unquotedAtAt(text)).some((a) => !isMailbox(a, mailbox)) ||
    pairsIn(addressesIn(unquotedAtAt(spaced))).some((a) => hasDottedDomain(a) && !isMailbox(a, mailbox))
  )
}

/**
 * Whether software that decodes the name before it reads the field, as many scripts do, finds another address in it: after
 * decoding there are no quotes around the name, and white space and comments within a domain are skipped. `app@corp.t eam
 * <app@corp.t>` is from app@corp.team to Python's parseaddr.
 */
export function readsAsAnother(shown: string, { domain }: Mailbox): boolean {
  if (!shown.includes('@')) return false
  // Where quotes or backslashes are, such software may see no ends of addresses and no comments: the name is then taken as one
  // piece.
  const pieces = /["\\]/.test(shown) ? [shown] : outsideComments(shown).split(/[<>,;:[\]]/)
  // A domain alone is taken for an address, too.
  const read = aroundAts(pieces.map((piece) => piece.replace(/[\s()<>,;:[\]"\\]/g, ''))).filter(hasDottedDomain)
  return [...new Set(read.map((pair) => pair.slice(pair.indexOf('@') + 1)))].some((d) => parseDomain(d) !== domain)
}

function outsideComments(text: string): string {
  let depth = 0
  let outside = ''
  for (const c of text) {
    if (c === '(') depth++
    if (depth === 0) outside += c
    if (c === ')' && depth > 0) depth--
  }
  // One without its end may be none, as in quotes.
  return depth === 0 ? outside : text
}

/** With more characters than this before its @ it is nobody's address, so it does not matter where it is cut. */
const longest = 1000
const separator = /[\s<>()[\]{}"',;:|]/gu

/**
 * The words with an @ and something on both sides of it, each once, since a name may repeat one address ten thousand times. Only
 * words with an @ are cut out: 100 KiB of a name may normalise to a hundred thousand words.
 */
function addressesIn(text: string): readonly string[] {
  const found = new Set<string>()
  for (let at = text.indexOf('@'); at !== -1; ) {
    let start = at
    while (start > Math.max(0, at - longest) && text.slice(start - 1, start).search(separator) === -1) start--
    separator.lastIndex = at
    const end = separator.exec(text)?.index ?? text.length
    found.add(text.slice(start, end))
    at = text.indexOf('@', end)
  }
  return [...found].filter(hasTwoSides)
}

const hasTwoSides = (token: string): boolean => /[^@]@+[^@]/.test(token)

// `ceo @ other.t` shows an address, and `Sales @ Example` does not: it has no dot.
const joinAroundAt = (text: string): string =>
  text
    .split('@')
    .map((part) => part.trim())
    .join('@')

/** What stands on both sides of each @ in words that have several: `ceo @ other.t @ home` shows the address `ceo@other.t`. */
const pairsIn = (tokens: readonly string[]): readonly string[] => aroundAts(tokens).filter(hasTwoSides)

function aroundAts(tokens: readonly string[]): readonly string[] {
  const pairs = tokens
    .map((t) => t.split(/@+/))
    .flatMap((parts) => parts.slice(1).map((part, i) => `${parts[i]}@${part}`))
  return [...new Set(pairs)]
}

// Much software takes the ideographic full stop for a dot (RFC 3490 section 3.1).
const hasDottedDomain = (address: string): boolean => /[.\u3002][^.]/.test(address.slice(address.lastIndexOf('@')))

/** Without quotes and brackets right beside an @: `"ceo"@other.t` and `ceo(x)@other.t` are addresses to a reader, too. */
const unquotedAtAt = (text: string): string =>
  text.replace(/(?<!["'>)\]}])["'>)\]}]+(?=@)/g, '').replace(/(?<=@)["'<([{]+/g, '')

const isMailbox = (shown: string, mailbox: Mailbox): boolean => {
  const parsed = parsePath(shown)
  return parsed !== undefined && comparable(parsed) === comparable(mailbox)
}
