/** The header block, strictly (RFC 5322 section 2.2): what two parsers could read differently is not a header. */
import { isAscii, type Mailbox, mailboxInstead, parsePath } from './address.ts'
import { decodeWords } from './encoded-word.ts'

export type Field = {
  /** In lower case. */
  readonly name: string
  /** Unfolded, without the white space around it, and decoded as UTF-8. */
  readonly value: string
  /** Octet offsets in the block: of the name, and after the CRLF that ends the field. */
  readonly start: number
  readonly end: number
}

export type ParsedHeader =
  | { readonly ok: true; readonly fields: readonly Field[] }
  | { readonly ok: false; readonly why: string }

type DisplayName = {
  /** Without its quotes, its encoded-words as they are. */
  readonly displayName: string
  /** As software shows it that leaves out white space behind quotes: `"app@corp.t" eam` is app@corp.team. */
  readonly joinedName: string
}

export type ParsedFrom =
  | ({ readonly ok: true; readonly mailbox: Mailbox } & DisplayName)
  | { readonly ok: false; readonly why: string }

const blankLine = Buffer.from('\r\n\r\n')

/** The offset after the blank line that ends the header, or -1. */
export function headerEnd(bytes: Buffer): number {
  if (bytes[0] === 13 && bytes[1] === 10) return 2
  const at = bytes.indexOf(blankLine)
  return at === -1 ? -1 : at + 4
}

// White space as Unicode has it, with the byte order mark: software that reads text trims all of it. In octets of UTF-8, or Latin-1.
const blank =
  /(?:[ \t\x85\xa0]|\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80|\xef\xbb\xbf)*/
    .source
const anySender = `(?:resent-)?(?:from|sender)${blank}:`
// NEL in latin1 and UTF-8, and the Unicode separators: line breaks for software that reads text and not octets. The name is looked
// for first, so that a long run of these takes linear time.
const behindBreak = new RegExp(`(?=${anySender})(?<=(?:\\x85|\\xe2\\x80[\\xa8\\xa9])${blank})`, 'i')

// In each of these, one parser sees a field or the end of the header where another one does not.
const ambiguities: readonly (readonly [RegExp, string])[] = [
  [/[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/, 'a control character'],
  [/\r(?!\n)|(?<!\r)\n/, 'a bare CR or LF'],
  [/\r\n[ \t]+(?:\r|$)/, 'a folded line of nothing but white space'],
  [behindBreak, 'a From or Sender after a Unicode line break'],
  [/\r\n\r\n./s, 'something after the blank line'],
]
// A header of printable ASCII whose lines all hold something has none of these: one look in place of five, for nearly every header.
const plainFields = /^(?:[!-'*-9;=?-~]+:[\t -~]*\r\n(?:[ \t]+[!-~][\t -~]*\r\n)*)*(?:\r\n)?$/
// RFC 5322 allows brackets in a field name, and nobody uses them. Refused here, since software that reads a name as a token skips a
// bracket beside it: `>From:` and `From):` would be From to it.
const fieldName = /^[!-'*-9;=?-~]+$/

// A folded line that looks like a From or Sender: software that trims lines sees another field there. The list of names in the h=
// of a DKIM-Signature may look so too (` from:to:subject; i=@corp.t`); `listed` matches such a list up to its end, or with the tags
// behind it to the end of a line. Their values have only what those of a signature have: beside a space, comma, colon, bracket, quote
// or encoded-word an address might stand by itself.
const tag = /\w+[ \t]*=[\w+/=.@-]*/.source
const tags = `${tag}(?:[ \\t]*;[ \\t]*${tag})*(?:[ \\t]*;)?[ \\t]*(?=\\r|$)`
const listed = `(?:[ \\t\\r\\n]*[\\w.-]+[ \\t\\r\\n]*:)*[ \\t\\r\\n]*(?:[\\w.-]+[ \\t\\r\\n]*)?(?:$|;[ \\t\\r\\n]*(?:$|${tags}))`
const foldedSender = new RegExp(`\\r\\n[ \\t]${blank}${anySender}(${listed})?`, 'gi')
const senderAnywhere = new RegExp(`${anySender}(${listed})?`, 'gi')
const ofSender = /^(?:resent-)?(?:from|sender)$/i
// RFC 5322 section 2.1.1 has 998 at most. Postfix folds what is longer just there, and Sendmail at 990, also within a word and in quotes:
// a From in the middle of a line may then come to begin one.
const longestLine = 980

/**
 * Whether a folded line of the field, or any part of it, looks like a From or Sender with an address. `field`: all behind its colon,
 * without its last CR LF.
 */
function hidesSender(field: string, sender: typeof foldedSender): boolean {
  for (const { 1: names, index } of field.matchAll(sender))
    if (names === undefined) return mayShowAddress(decode(field.slice(index).replaceAll('\r\n', '')))
  return false
}

/** Whether an @ is in it as it is, in another width, or in an encoded-word; one that can not be decoded may have any. */
const mayShowAddress = (text: string): boolean =>
  text.includes('@') || (decodeWords(text) ?? '@').normalize('NFKC').includes('@')

/** The fields of a header block, with or without its final blank line. */
export function parseHeader(block: Buffer): ParsedHeader {
  // One character for each octet, so that an index is an offset.
  const text = block.toString('latin1')
  const isPlain = plainFields.test(text)
  const ambiguity = isPlain ? undefined : ambiguities.find(([pattern]) => pattern.test(text))
  if (ambiguity) return { ok: false, why: ambiguity[1] }
  const end = text === '\r\n' || text.endsWith('\r\n\r\n') ? text.length - 2 : text.length
  const fields: Field[] = []
  for (let start = 0; start < end; ) {
    const field = fieldAt(text, start, isPlain)
    if (typeof field === 'string') return { ok: false, why: field }
    fields.push(field)
    start = field.end
  }
  return { ok: true, fields }
}

function fieldAt(text: string, start: number, isPlain: boolean): Field | string {
  const crlf = endOfField(text, start)
  if (crlf === -1) return 'a field without its CRLF'
  const colon = text.indexOf(':', start)
  if (colon === -1 || colon > crlf) return 'a line without a colon'
  const name = text.slice(start, colon)
  // This also refuses white space before the name (a fold without a field) and between name and colon (RFC 5322 section 4.5).
  if (!isPlain && !fieldName.test(name))
    return 'a field name with white space or a bracket in it or behind it, or beyond ASCII'
  const whole = text.slice(colon + 1, crlf)
  // Most fields are on one line, and need not be copied.
  const isFolded = whole.includes('\r\n')
  if (isFolded && hidesSender(whole, foldedSender)) return 'a folded line that looks like a From or Sender'
  if (hasLongLine(text, start, crlf) && (ofSender.test(name) || hidesSender(whole, senderAnywhere)))
    return `a From or Sender in a line of more than ${longestLine} octets`
  const value = trimSpace(isFolded ? whole.replaceAll('\r\n', '') : whole)
  return { name: name.toLowerCase(), value: isPlain ? value : decode(value), start, end: crlf + 2 }
}

const hasLongLine = (text: string, start: number, end: number): boolean =>
  end - start > longestLine &&
  text
    .slice(start, end)
    .split('\r\n')
    .some((line) => line.length > longestLine)

/**
 * Where the CRLF is that ends the field at `start`: the first that no white space follows (RFC 5322 section 2.2.3); -1: none is.
 */
export function endOfField(text: string, start: number): number {
  let crlf = text.indexOf('\r\n', start)
  while (crlf !== -1 && isSpace(text, crlf + 2)) crlf = text.indexOf('\r\n', crlf + 2)
  return crlf
}

const isSpace = (text: string, at: number): boolean => text[at] === ' ' || text[at] === '\t'

// No regular expression: one that is anchored at the end takes quadratic time for a long run of spaces.
function trimSpace(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isSpace(text, start)) start++
  while (end > start && isSpace(text, end - 1)) end--
  return text.slice(start, end)
}

const decode = (octets: string): string => (isAscii(octets) ? octets : Buffer.from(octets, 'latin1').toString('utf8'))

const unreadable = /[\0-\x08\n-\x1f\x7f-\x9f\u2028\u2029\ufffd]|\p{Cs}/u
// One word of a phrase: a quoted string, or an atom, with dots after its first letter (`Example Inc.`).
const word = /[ \t]*(?:"([^"\\]*(?:\\[ -~][^"\\]*)*)"|((?!\.)[\w!#$%&'*+/=?^`{|}~.\u00a0-\u{10ffff}-]+))(?=[ \t]|$)/uy

// `root@corp.t (Cron Daemon)`, as cron writes it. Only plain words in the comment: no address, no quotes, no encoding can be in
// them.
const commented = /^([^\s<>()"]+)[ \t]+\(([\w .'&/+-]+)\)$/

/**
 * The one mailbox of a From: `user@domain`, `<user@domain>`, `Name <user@domain>` or `user@domain (Name)`. No list, no
 * group, no other comment, no route, no white space inside the address: each is read differently by somebody.
 */
export function parseFrom(value: string): ParsedFrom {
  if (unreadable.test(value)) return { ok: false, why: 'a control character, or not UTF-8' }
  const written = trimSpace(value)
  const text = written.endsWith(')') ? written.replace(commented, '$2 <$1>') : written
  const open = text.endsWith('>') ? text.lastIndexOf('<') : -1
  const address = open === -1 ? text : text.slice(open + 1, -1)
  const mailbox = parsePath(address)
  if (!mailbox) return { ok: false, why: `not exactly one plain mailbox, ${mailboxInstead(address)}` }
  const phrase = trimSpace(text.slice(0, Math.max(open, 0)))
  const name = parsePhrase(phrase)
  return name === undefined ? { ok: false, why: noPhrase(phrase) } : { ok: true, mailbox, ...name }
}

const noPhrase = (text: string): string => {
  if (encodesQuote(text)) return 'a double quote within an encoded-word'
  return />[ \t]*,/.test(text)
    ? 'more than one mailbox'
    : 'a display name that has to stand in double quotes, and without backslashes'
}

/**
 * Whether an encoded-word has a double quote in it. To software that looks for encoded-words first, as Python's email does, the
 * quotes then begin and end elsewhere, and what we see within quotes is outside of them.
 */
const encodesQuote = (phrase: string): boolean =>
  phrase.includes('=?') &&
  [...phrase.matchAll(/=\?(?=([^?]*\?[bq]\?[^?]*)\?=)/gi)].some(([, word = '']) => word.includes('"'))

function parsePhrase(text: string): DisplayName | undefined {
  if (encodesQuote(text) || endsQuotesEarly(text) || areNoQuotes(text)) return undefined
  let displayName = ''
  let joinedName = ''
  let space = ''
  for (word.lastIndex = 0; word.lastIndex < text.length; ) {
    const [, quoted, atom] = word.exec(text) ?? []
    const plain = atom ?? quoted?.replace(/\\(.)/g, '$1')
    if (plain === undefined) return undefined
    displayName += ` ${plain}`
    joinedName += space + plain
    space = quoted === undefined ? ' ' : ''
  }
  return { displayName: displayName.slice(1), joinedName }
}

/**
 * Whether software that does not know the backslash would see a quoted string end early, and then find an address in what
 * follows, which to it is outside of quotes.
 */
const endsQuotesEarly = (phrase: string): boolean => phrase.includes('\\') && /[<>@]/.test(phrase)

/**
 * Whether some software takes quotes for none, and then finds an address in them: the Rust crate mailparse those behind a word, and
 * Perl's Email::Address those before empty ones.
 */
const areNoQuotes = (phrase: string): boolean =>
  phrase.includes('@') && (/^[^"].*[<>,;]/.test(phrase) || phrase.lastIndexOf('""') > phrase.indexOf('@'))

/**
 * What of a folded display name stands outside of quotes to software for which a line end ends quotes, as Python's parseaddr: all
 * that is behind the first fold within quotes; and what is before that fold, or in the first quotes, where it ends in an address,
 * which such software then takes for the whole address, also with a bracket in it. Empty where no quotes are folded.
 */
export function besideFolds(name: string): string {
  const pieces = name.replace(/\\[^\r]/g, '').split('"')
  const folded = pieces.findIndex((piece, i) => i % 2 === 1 && piece.includes('\r\n'))
  const [before = '', ...behind] = pieces[folded]?.split('\r\n') ?? []
  if (folded === -1) return ''
  const [first = ''] = pieces[1]?.split('\r\n') ?? []
  const addresses = [first, before].filter((piece) => endsInAddress.test(piece))
  const whole = addresses.map((piece) => `${piece.replaceAll('(', ' ')};`)
  return [...whole, ...behind, ...pieces.slice(folded + 1)].join(' ')
}

const endsInAddress = /@[^ \t@]*[ \t]*$/
