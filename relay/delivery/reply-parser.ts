/** Cuts replies out of octets as they arrive (RFC 5321 section 4.2); what is no reply is malformed, never guessed at. */
import { type Answer, inOwnMemory, none, printable } from './answer.ts'

const maxLine = 2048
const maxLines = 128
/** Read in one piece: each line of it is kept apart from the others. */
const manyOctets = 4096
const malformed = (what: string): Answer => none('malformed', what)

export class ReplyParser {
  #rest = ''
  #code = 0
  #lines: string[] = []
  #isMuch = false

  /** Adds octets; then ask `next` until it has nothing more. */
  push(chunk: Buffer): void {
    this.#rest += chunk.toString('latin1')
    this.#isMuch = this.#rest.length > manyOctets
  }

  /** True between two replies: nothing of a next one has arrived. */
  get idle(): boolean {
    return this.#rest === '' && this.#lines.length === 0
  }

  /** The next whole reply, what is malformed about it, or undefined until more has arrived. A quotation is cleaned, then cut. */
  next(clean: (text: string) => string = asItIs): Answer | undefined {
    for (;;) {
      const end = this.#rest.indexOf('\n')
      if (end > maxLine || (end < 0 && this.#rest.length > maxLine)) return malformed('a reply line without end')
      if (end < 0) return undefined
      const line = this.#rest.slice(0, end)
      this.#rest = this.#rest.slice(end + 1)
      const answer = this.#take(line, clean)
      if (answer !== undefined) return answer
    }
  }

  #take(line: string, clean: (text: string) => string): Answer | undefined {
    if (line.indexOf('\r') !== line.length - 1) return malformed('a reply line that ends without CR LF')
    const code = codeOf(line)
    if (code === undefined) return malformed(`no SMTP reply: "${printable(clean(line.slice(0, -1)), 100)}"`)
    if (this.#lines.length > 0 && code !== this.#code) {
      if (!isTakenBack(this.#code, code)) return malformed(`a reply of two codes: ${this.#code} and ${code}`)
      this.#lines = []
    }
    if (this.#lines.length === maxLines) return malformed('a reply of too many lines')
    this.#code = code
    this.#lines.push(this.#isMuch ? inOwnMemory(line.slice(4, -1)) : line.slice(4, -1))
    if (line[3] === '-') return undefined
    const lines = this.#lines
    this.#lines = []
    return { kind: 'reply', reply: { code, lines } }
  }
}

const asItIs = (text: string): string => text

/**
 * Postfix's postscreen says a first line of 220, to see who does not wait for the rest, and may then refuse the connection: the
 * refusal is what comes behind that.
 */
const isTakenBack = (begun: number, code: number): boolean => begun === 220 && code >= 400

/** Undefined unless a reply line begins here: three digits, 2 to 5 first (SMTP has no 1yz), then space, hyphen or the line's end. */
function codeOf(line: string): number | undefined {
  const hundreds = line.charCodeAt(0) - digit0
  const [tens, ones] = [line.charCodeAt(1) - digit0, line.charCodeAt(2) - digit0]
  if (!(hundreds >= 2 && hundreds <= 5 && isDigit(tens) && isDigit(ones))) return undefined
  const follows = line[3]
  return follows === ' ' || follows === '-' || follows === '\r' ? 100 * hundreds + 10 * tens + ones : undefined
}

const digit0 = 0x30
const isDigit = (number: number): boolean => number >= 0 && number <= 9
