/** What a smarthost says it can do, read from its reply to EHLO (RFC 5321 section 4.1.1.1). */
import { firstLines, type WireReply } from './answer.ts'

export type Capabilities = {
  readonly startTls: boolean
  readonly pipelining: boolean
  readonly eightBitMime: boolean
  readonly smtpUtf8: boolean
  /** It makes the reports that are asked for, and passes on what it can not answer for (RFC 3461). */
  readonly dsn: boolean
  /** Absent: no SIZE extension; 0: no fixed limit (RFC 1870). */
  readonly size?: number
  /** Upper-case names of SASL mechanisms. */
  readonly auth: ReadonlySet<string>
  /** How many lines of the reply tell of an extension. */
  readonly extensions: number
}

/** Nobody offers so much; to read all of 256 KB would hold the loop for 30 ms, and keep megabytes of names of mechanisms. */
const mostCharacters = 4096

/** The first line is the greeting; each other line is one keyword and its parameters. */
export function capabilitiesOf(ehlo: WireReply): Capabilities {
  const offers = firstLines(ehlo.lines.slice(1), mostCharacters)
  const keywords = new Set(offers.map((line) => wordsIn(line)[0]))
  // Of several the largest counts, and none beside one that is not understood: who contradicts itself is asked, by MAIL.
  const sizes = offers.flatMap(limitIn)
  const size = sizes.includes(0) ? 0 : Math.max(...sizes)
  return {
    startTls: keywords.has('STARTTLS'),
    pipelining: keywords.has('PIPELINING'),
    eightBitMime: keywords.has('8BITMIME'),
    smtpUtf8: keywords.has('SMTPUTF8'),
    dsn: keywords.has('DSN'),
    auth: new Set(offers.flatMap(mechanismsIn)),
    extensions: ehlo.lines.length - 1,
    ...(Number.isFinite(size) && { size }),
  }
}

const wordsIn = (line: string): readonly string[] => line.trim().toUpperCase().split(/ +/)

/** Without a number there is no fixed limit. */
const limitIn = (line: string): readonly number[] => {
  const [keyword, limit = '0'] = wordsIn(line)
  if (keyword !== 'SIZE') return []
  return [/^\d{1,15}$/.test(limit) ? Number(limit) : Number.NaN]
}

/** Some have a line for each of several mechanisms, or say `AUTH=` for clients from before RFC 4954. */
const mechanismsIn = (line: string): readonly string[] => {
  const [keyword, ...mechanisms] = line.trim().toUpperCase().split(/[ =]+/)
  return keyword === 'AUTH' ? mechanisms : []
}
