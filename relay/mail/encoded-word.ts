/** RFC 2047 encoded-words as mail clients show them; those that clients could show in different ways are not decoded. */
import { Latest } from '../latest.ts'

// RFC 2047 allows no spaces within the encoded text, but many decoders take them. `*en` names a language (RFC 2231 section 5).
const encodedWord = /=\?([^?*]+)(?:\*[^?]*)?\?([bq])\?([^?]*)\?=/gi
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const quotedPrintable = /^(?:[ -<>-~\t]|=[0-9A-Fa-f]{2})*$/

type Decoder = InstanceType<typeof TextDecoder>

/** Adjacent encoded-words of one charset (in lower case), and the octets of each. */
type Run = { readonly charset: string; readonly octets: Buffer[] }

/** The text with its encoded-words decoded; undefined where one is broken, of an unknown charset, or has another one in it. */
export function decodeWords(text: string): string | undefined {
  if (!text.includes('=?')) return text
  // White space between two encoded-words is not shown (RFC 2047 section 6.2).
  const pieces = split(text.replace(/\?=[ \t]+=\?/g, '?==?'))
  let whole = ''
  let strictly = ''
  let isBeyond = false
  for (const piece of pieces) {
    const isRun = typeof piece === 'object'
    const decoded = isRun ? decodeRun(piece) : piece
    // The first that can not be read ends it: each of them takes as long as thirty others.
    if (decoded === undefined) return undefined
    whole += decoded
    const left = isRun ? leftByStrict(piece) : undefined
    strictly += left ?? decoded
    isBeyond ||= left !== undefined && beyondStandard.test(left)
  }
  return whole.includes('=?') || (isBeyond && address.test(strictly.replace(allBeyond, ''))) ? undefined : whole
}

const address = /@[\s"'<([{]*[\w-]+\.\w/

/** Pieces of plain text and runs of encoded-words; undefined in place of a word that is broken. Runs, since some encoders split a
 * character between two adjacent words. */
function split(text: string): readonly (string | Run | undefined)[] {
  const pieces: (string | Run | undefined)[] = []
  let after = 0
  for (const { 0: whole, 1: charset = '', 2: encoding = '', 3: content = '', index } of text.matchAll(encodedWord)) {
    const last = pieces.at(-1)
    const octets = encoding.toLowerCase() === 'b' ? fromBase64(content) : fromQuotedPrintable(content)
    if (index > after) pieces.push(text.slice(after, index))
    const adjacent = index === after && typeof last === 'object' && last.charset === charset.toLowerCase()
    if (!octets) pieces.push(undefined)
    else if (adjacent) last.octets.push(octets)
    else pieces.push({ charset: charset.toLowerCase(), octets: [octets] })
    after = index + whole.length
  }
  return [...pieces, text.slice(after)]
}

const fromBase64 = (content: string): Buffer | undefined =>
  base64.test(content) ? Buffer.from(content, 'base64') : undefined

const fromQuotedPrintable = (content: string): Buffer | undefined =>
  quotedPrintable.test(content) ? Buffer.from(unescaped(content.replaceAll('_', ' ')), 'latin1') : undefined

const unescaped = (text: string): string =>
  text.replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))

/** Each word of a run decoded by itself, as RFC 2047 section 5 has it; all together where a character is split between them. */
function decodeRun({ charset, octets }: Run): string | undefined {
  const decoder = decoderOf(charset)
  if (decoder === undefined) return undefined
  const together = Buffer.concat(octets)
  if (octets.length > 1 && together.includes('@') && !sameAts(decoder, octets, together)) return undefined
  if (isAtInUtf8(together) && decoder.encoding !== 'utf-8') return undefined
  const ways = [octets, [together]]
  // First without `fatal`, which is cheap: a result without U+FFFD had no error. With `fatal`, a U+FFFD of the text itself may
  // stay.
  for (const words of ways) {
    const shown = decodeAll(decoder, words)
    if (!shown.includes(replacement)) return shown
  }
  return firstWhole(charset, ways)
}

/** What a decoder puts where octets are no character; a text may also hold one itself. */
const replacement = '\ufffd'

const decodeAll = (decoder: Decoder, words: readonly Buffer[]): string =>
  words.map((octets) => decoder.decode(octets)).join('')

/** The first of these readings in which all octets are characters. */
function firstWhole(charset: string, ways: readonly (readonly Buffer[])[]): string | undefined {
  const decoder = new TextDecoder(charset, { fatal: true })
  for (const words of ways) {
    try {
      return decodeAll(decoder, words)
    } catch {}
  }
  return undefined
}

/** Names of charsets that have no decoder: each question about one costs an error, and a header could hold thousands. */
const withoutDecoder = new Latest<true>(100)

/** Undefined where there is none, and for `utf-16`, of which decoders take the octets in one order or the other. */
function decoderOf(charset: string): Decoder | undefined {
  if (withoutDecoder.get(charset)) return undefined
  try {
    const decoder = new TextDecoder(charset)
    return !decoder.encoding.startsWith('utf-16') || /^utf-16[bl]e$/.test(charset) ? decoder : undefined
  } catch {
    withoutDecoder.set(charset, true)
    return undefined
  }
}

/**
 * Whether word by word and all together have as many @: an octet that is half of a character in one reading may be an @ in the
 * other.
 */
function sameAts(decoder: Decoder, octets: readonly Buffer[], together: Buffer): boolean {
  const ats = (text: string): number => text.split('@').length
  return ats(decodeAll(decoder, octets)) === ats(decoder.decode(together))
}

/**
 * The characters beyond ASCII that charsets have by their own standards. Browsers take more under the same names, and so does our
 * decoder. Stricter ones (Python's, and iconv's, which mutt has) pass over an octet that they do not know, and read on behind it: in
 * `ceo\x81@other.t`, of gb2312, browsers see one character in the place of \x81@, and mutt shows `ceo?@other.t`.
 */
const ownCharacters: ReadonlyMap<string, RegExp> = new Map([
  ['gbk', /[\xa1-\xf7][\xa1-\xfe]/g], // what browsers read gb2312 by
  ['big5', /(?!\xa3[\xc0-\xfe]|\xc6[\xa1-\xfe]|\xf9[\xd6-\xfe])[\xa1-\xc6\xc9-\xf9][\x40-\x7e\xa1-\xfe]/g],
  ['shift_jis', /[\x81-\x84\x88-\x9f\xe0-\xea][\x40-\x7e\x80-\xfc]|[\xa1-\xdf]/g],
  ['iso-2022-jp', /\x1b\$[@B][^\x1b]*|\x1b\([BJ]/g], // RFC 1468
])
const beyondStandard = /[\x1b\x80-\xff]/
/** Left out, as by software that shows nothing in the place of what it does not know: then `ceo@\x81other.t` is an address. */
const allBeyond = new RegExp(beyondStandard, 'g')

/** The octets of a run with a star in the place of each of those; undefined for charsets that all read alike. */
function leftByStrict({ charset, octets }: Run): string | undefined {
  const own = ownCharacters.get(decoderOf(charset)?.encoding ?? '')
  return own && Buffer.concat(octets).toString('latin1').replace(own, '*')
}

/**
 * Whether the octets, read as UTF-8, have a fullwidth or small @ (three octets, U+FF20 or U+FE6B). Software that does not know a
 * charset, or finds that the octets are none of it, often reads them as UTF-8. Right beside octets that are no UTF-8 it is no @,
 * but parts of two characters of another charset, such as GB 2312.
 */
const isAtInUtf8 = (octets: Buffer): boolean =>
  octets.includes(0xef) && /(?<!\ufffd)[\uff20\ufe6b](?!\ufffd)/.test(octets.toString())

/**
 * All octets that any decoder might make of a text that we do not decode: base64, quoted-printable, and `readings` of other
 * charsets.
 */
export function anyOctets(text: string): string {
  const octets = [...text.matchAll(/\?b\?([^?]*)/gi)]
    .map(([, content = '']) => Buffer.from(content, 'base64').toString('latin1'))
    .concat(unescaped(text))
    .join('')
  return readings.reduce((all, [charset, read]) => (charset.test(text) ? all + read(octets) : all), octets)
}

/**
 * For charsets that we do not know: what octets in them might become, as far as that is `<`, @ or a line end. Their names are
 * matched as loosely as the loosest software does.
 */
const readings: readonly (readonly [charset: RegExp, read: (octets: string) => string])[] = [
  [/=\?[^?]*7/, (octets) => fromUtf7(octets)],
  // EBCDIC, by its name or by one of IBM's numbers: in all of these `<` is 0x4C and the line ends are 0x15 and 0x25; @ differs.
  [
    /=\?[^?]*(?:ebcdic|(?<!\d)0*(?:37|39|2[5-9]\d|42\d|500|87[015]|9(?:05|18|24|3[03579])|10[2-9]\d|11[1-6]\d)(?!\d))/i,
    (octets) => octets.replaceAll('L', '<@').replace(/[\x15\x25]/g, '\n'),
  ],
  // Python's unicode-escape: any character may come out of a backslash.
  [/=\?[^?]*escape/i, (octets) => octets.replaceAll('\\', '<@\n')],
]

/** With the shifted parts of UTF-7 (RFC 2152) decoded: they are UTF-16 in base64, and its octets without the zeros are enough here. */
const fromUtf7 = (octets: string): string =>
  octets.replace(/\+([A-Za-z0-9+/]+)-?/g, (_, shifted: string) =>
    Buffer.from(shifted, 'base64').toString('latin1').replaceAll('\0', ''),
  )
