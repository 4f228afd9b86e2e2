/** Octets that are to be commands: judged before any line among them is carried out, and kept until it is. */
import type { Refusal } from '../mail/rule.ts'
import { takeFirst } from './first.ts'
import { commandMs, lineBytes, loginLineBytes } from './limits.ts'
import { inItsOwnMemory } from './line-text.ts'
import { protocol } from './protocol.ts'

export class CommandLines {
  readonly #tooSlow: () => void
  /** Without their ends, each in memory of its own: 64 KiB of others may have come with it. */
  readonly #lines: string[] = []
  /** Likewise. */
  #partial = ''
  #deadline: NodeJS.Timeout | undefined

  /** A command has to be complete in time, however its octets trickle in; `tooSlow` is called when it is not. */
  constructor(tooSlow: () => void) {
    this.#tooSlow = tooSlow
  }

  /** More is here than the line that is being carried out. */
  get waiting(): boolean {
    return this.#lines.length > 0 || this.#partial !== ''
  }

  /** How many are whole. */
  get lines(): number {
    return this.#lines.length
  }

  take(octets: string, inLogin: boolean): Refusal | undefined {
    const fault = faultIn(octets, inLogin, this.#partial)
    if (fault) return fault
    // Only with an LF is anything new complete.
    if (!octets.includes('\n')) {
      this.#keep(this.#partial + octets, false)
      return undefined
    }
    const text = this.#partial + octets
    let start = 0
    for (let end = text.indexOf('\r\n'); end !== -1; end = text.indexOf('\r\n', start)) {
      this.#lines.push(inItsOwnMemory(text.slice(start, end), text))
      start = end + 2
    }
    this.#keep(inItsOwnMemory(text.slice(start), text), true)
    return undefined
  }

  /** The line to carry out next. */
  next(): string | undefined {
    return takeFirst(this.#lines)
  }

  forget(): void {
    clearTimeout(this.#deadline)
  }

  #keep(partial: string, another: boolean): void {
    if (another || partial === '') clearTimeout(this.#deadline)
    if (partial !== '' && (another || this.#partial === '')) this.#deadline = setTimeout(this.#tooSlow, commandMs)
    this.#partial = partial
  }
}

const bareNewline = /(?<!\r)\n|\r(?!\n|$)/
const controlCharacter = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/
// A web page or a proxy makes its victim talk to us: what follows its first line must not be carried out.
const foreign = /(?:[A-Z]+ \S* HTTP\/\d|PROXY (?:TCP|UNKNOWN))/.source
const otherProtocol = new RegExp(`^${foreign}`, 'im')
// One whole line in which nothing of this is, as nearly all that comes.
const plainLine = new RegExp(`^(?!${foreign})[\\t -~\\x80-\\xff]*\\r\\n$`, 'i')

/**
 * What the first octets say that are no SMTP, but come from somebody who is to be told: a record of a handshake, of any version
 * that there is (RFC 8446 section 5.1), or the header of a load balancer, of either version.
 */
export function misplacedIn(octets: string): Refusal | undefined {
  if (/^\x16(?:\x03|$)/.test(octets)) return protocol.tlsUnasked
  return /^(?:PROXY (?:TCP|UNKNOWN)|\r\n\r\n\0\r\nQUIT\n)/.test(octets) ? protocol.proxyHeader : undefined
}

/**
 * `octets` are whole lines and the beginning of the next one, one octet a character; before them came `partial`, in which
 * no fault was found, and which is not looked through again: octets may come one by one.
 * In a login the first line may be a token.
 */
export function faultIn(octets: string, inLogin: boolean, partial = ''): Refusal | undefined {
  if (partial === '' && octets.length <= lineBytes && plainLine.test(octets)) return undefined
  if (controlCharacter.test(octets)) return misplacedIn(partial + octets) ?? protocol.controlCharacter
  if (bareNewline.test(partial.slice(-1) + octets)) return protocol.bareNewline
  const text = partial + octets
  if (octets.includes('\n') && otherProtocol.test(text)) return misplacedIn(text) ?? protocol.notSmtp
  return text.length > lineBytes ? longLineIn(text, inLogin) : undefined
}

function longLineIn(text: string, inLogin: boolean): Refusal | undefined {
  // The CR at the very end may be half of what ends the line.
  for (const [index, line] of text.split(/\r\n|\r$/).entries()) {
    const ofLogin = (inLogin && index === 0) || /^AUTH /i.test(line)
    if (line.length > (ofLogin ? loginLineBytes : lineBytes))
      return ofLogin ? protocol.loginTooLong : protocol.lineTooLong
  }
  return undefined
}
