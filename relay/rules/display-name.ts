/** Does a display name show an address that is not the mailbox beside it? Mail clients show the name and hide the rest. */
import { comparable, isAscii, type Mailbox, parseDomain, parsePath } from '../mail/address.ts'

/** `shown` is the display name as a client would show it: its encoded-words are decoded. */
export function showsAnotherAddress(shown: string, mailbox: Mailbox): boolean {
  // The fullwidth @ and its like are read as an @.
  const normal = isAscii(shown) ? shown : shown.normalize('NFKC')
  if (!normal.includes('@')) return false
  const plain = normal.toLowerCase()
  return [...new Set([plain, plain.replace(invisible, '')])].some((text) => hasAnotherAddress(text, mailbox))
}

// Between two spaces, or in the middle of an address, a reader sees nothing of these: `app@corp.t<U+FEFF>.evil.t` is one.
const invisible = /[\p{Default_Ignorable_Code_Point}\u2800]/gu

function hasAnotherAddress(text: string, mailbox: Mailbox): boolean {
  const spaced = joinAroundAt(text)
  return (
    addressesIn(unquotedAtAt(text)).some((a) => !isMailbox(a, mailbox)) ||
    pairsIn(addressesIn(unquotedAtAt(spaced))).some((a) => hasDottedDomain(a) && !isMailbox(a, mailbox))
  )
}

/**
 * Who decodes a name before reading the field, as many scripts do, finds no quotes around it, and skips white space and comments
 * within a domain: `app@corp.t eam <app@corp.t>` is from app@corp.team to Python's parseaddr.
 */
export function readsAsAnother(shown: string, { domain }: Mailbox): boolean {
  if (!shown.includes('@')) return false
  // In quotes, or behind a backslash, nothing ends an address and a comment is none.
  const pieces = /["\\]/.test(shown) ? [shown] : outsideComments(shown).split(/[<>,;:[\]]/)
  const read = pairsIn(pieces.map((piece) => piece.replace(/[\s()<>,;:[\]"\\]/g, ''))).filter(hasDottedDomain)
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
  return outside
}

/** What goes on for longer before its @ is nobody's address, wherever it is cut. */
const longest = 1000
const separator = /[\s<>()[\]{}"',;:|]/gu

/**
 * Each once: a name may repeat one address ten thousand times. Only what has an @ is cut out: 100 KiB of a name may normalise
 * to a hundred thousand words.
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

/** What stands on both sides of each @: `ceo @ other.t @ home` shows an address. */
const pairsIn = (tokens: readonly string[]): readonly string[] => {
  const pairs = tokens
    .map((t) => t.split(/@+/))
    .flatMap((parts) => parts.slice(1).map((part, i) => `${parts[i]}@${part}`))
  return [...new Set(pairs)].filter(hasTwoSides)
}

// Many software takes the ideographic full stop for a dot (RFC 3490 section 3.1).
const hasDottedDomain = (address: string): boolean => /[.\u3002][^.]/.test(address.slice(address.lastIndexOf('@')))

/** `"ceo"@other.t` and `ceo(x)@other.t` are addresses to a reader, too. */
const unquotedAtAt = (text: string): string =>
  text.replace(/(?<!["'>)\]}])["'>)\]}]+(?=@)/g, '').replace(/(?<=@)["'<([{]+/g, '')

const isMailbox = (shown: string, mailbox: Mailbox): boolean => {
  const parsed = parsePath(shown)
  return parsed !== undefined && comparable(parsed) === comparable(mailbox)
}
