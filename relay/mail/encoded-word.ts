/** RFC 2047 encoded-words, read as a mail client would show them; what clients could show differently is not read. */

// Spaces inside the text are not allowed there, but many decoders take them. `*en` names a language (RFC 2231).
const encodedWord = /=\?([^?*]+)(?:\*[^?]*)?\?([bq])\?([^?]*)\?=/gi
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const quotedPrintable = /^(?:[ -<>-~\t]|=[0-9A-Fa-f]{2})*$/

type Run = { readonly charset: string; readonly octets: Buffer[] }

/** The text with its encoded-words decoded; undefined where one is unknown, broken, or hides another. */
export function decodeWords(text: string): string | undefined {
  if (!text.includes('=?')) return text
  // White space between two encoded-words is not shown (RFC 2047 section 6.2).
  const pieces = split(text.replace(/\?=[ \t]+=\?/g, '?==?'))
  let whole = ''
  for (const piece of pieces) {
    const decoded = typeof piece === 'object' ? decodeRun(piece) : piece
    // One is enough: each that can not be read takes as long as thirty others.
    if (decoded === undefined) return undefined
    whole += decoded
  }
  return whole.includes('=?') ? undefined : whole
}

/** Plain text and runs of adjacent words in one charset: some encoders split a character between two words. */
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

/** Each word by itself, as RFC 2047 section 5 has it; together where a character is split between them. */
function decodeRun({ charset, octets }: Run): string | undefined {
  const together = Buffer.concat(octets)
  // Each decoder that there is not costs an error, and a header could hold thousands.
  if (!isKnown(charset)) return undefined
  if (octets.length > 1 && together.includes('@') && !sameAts(charset, octets, together)) return undefined
  if (isAtInUtf8(together) && new TextDecoder(charset).encoding !== 'utf-8') return undefined
  // What has no such mark can be read: no error is waited for where there is none.
  for (const fatal of [false, true]) {
    for (const words of [octets, [together]]) {
      const shown = decodeAll(charset, words, fatal)
      if (shown !== undefined && (fatal || !shown.includes(replacement))) return shown
    }
  }
  return undefined
}

/** What stands where octets are no character, or for itself. */
const replacement = '\ufffd'

function decodeAll(charset: string, octets: readonly Buffer[], fatal: boolean): string | undefined {
  try {
    const decoder = new TextDecoder(charset, { fatal })
    return octets.map((o) => decoder.decode(o)).join('')
  } catch {
    return undefined
  }
}

/** Some clients take the octets of UTF-16 in one order, and some in the other. */
function isKnown(charset: string): boolean {
  try {
    return !new TextDecoder(charset).encoding.startsWith('utf-16') || /^utf-16[bl]e$/.test(charset)
  } catch {
    return false
  }
}

/** An octet of @ may be half of a character, or not, where a client reads each word by itself. */
function sameAts(charset: string, octets: readonly Buffer[], together: Buffer): boolean {
  const decoder = new TextDecoder(charset)
  const ats = (text: string): number => text.split('@').length
  return ats(octets.map((o) => decoder.decode(o)).join('')) === ats(decoder.decode(together))
}

/**
 * Who does not know a charset, or finds that the octets are none of it, often takes them for UTF-8, which has an @ of three
 * octets. Beside what is no UTF-8 it is half of two other characters, as in GB 2312.
 */
const isAtInUtf8 = (octets: Buffer): boolean =>
  octets.includes(0xef) && /(?<!\ufffd)[\uff20\ufe6b](?!\ufffd)/.test(octets.toString())

/** Every octet that some decoder might make of a text that is not read. */
export function anyOctets(text: string): string {
  const octets = [...text.matchAll(/\?b\?([^?]*)/gi)]
    .map(([, content = '']) => Buffer.from(content, 'base64').toString('latin1'))
    .concat(unescaped(text))
    .join('')
  return readings.reduce((all, [charset, read]) => (charset.test(text) ? all + read(octets) : all), octets)
}

/** What is read in charsets that we do not know, by names as loose as the look-up of some: `<`, @ or a line end is enough. */
const readings: readonly (readonly [charset: RegExp, read: (octets: string) => string])[] = [
  [/=\?[^?]*7/, (octets) => fromUtf7(octets)],
  // By its name, or the number that IBM gave it: `<` and the line ends are the same in each, and @ is not.
  [
    /=\?[^?]*(?:ebcdic|(?<!\d)0*(?:37|39|2[5-9]\d|42\d|500|87[015]|9(?:05|18|24|3[03579])|10[2-9]\d|11[1-6]\d)(?!\d))/i,
    (octets) => octets.replaceAll('L', '<@').replace(/[\x15\x25]/g, '\n'),
  ],
  // Python's own: any character may come out of a backslash.
  [/=\?[^?]*escape/i, (octets) => octets.replaceAll('\\', '<@\n')],
]

/** What is shifted in UTF-7 (RFC 2152): UTF-16 in base64, of which an octet is enough here. */
const fromUtf7 = (octets: string): string =>
  octets.replace(/\+([A-Za-z0-9+/]+)-?/g, (_, shifted: string) =>
    Buffer.from(shifted, 'base64').toString('latin1').replaceAll('\0', ''),
  )
