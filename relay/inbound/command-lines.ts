/** Octets that are to be commands: judged before any line among them is carried out, and kept until it is. */
import type { Refusal } from '../mail/rule.ts'
import { commandMs, lineBytes, loginLineBytes } from './limits.ts'
import { inItsOwnMemory } from './line-text.ts'
import { protocol } from './protocol.ts'

export class CommandLines {
  readonly #tooSlow: () => void
  /** Whole lines, cut out one by one: strings of their own take eight times the octets of short ones. */
  #whole = ''
  /** Where the next one begins. */
  #at = 0
  #partial = ''
  #deadline: NodeJS.Timeout | undefined

  /** A command has to be complete in time, however its octets trickle in; `tooSlow` is called when it is not. */
  constructor(tooSlow: () => void) {
    this.#tooSlow = tooSlow
  }

  /** More is here than the line that is being carried out. */
  get waiting(): boolean {
    return this.hasLine || this.#partial !== ''
  }

  /** One is whole. */
  get hasLine(): boolean {
    return this.#whole !== ''
  }

  take(octets: string, inLogin: boolean): Refusal | undefined {
    const fault = faultIn(octets, inLogin, this.#partial)
    if (fault) return fault
    // Only with an LF is anything new complete.
    if (!octets.includes('\n')) {
      this.#keep(this.#partial + octets, false)
      return undefined
    }
    const text = this.#whole.slice(this.#at) + this.#partial + octets
    const end = text.lastIndexOf('\r\n') + 2
    this.#whole = text.slice(0, end)
    this.#at = 0
    this.#keep(end === text.length ? '' : inItsOwnMemory(text.slice(end), text), true)
    return undefined
  }

  /** The line to carry out next, without its end, in memory of its own: 64 KiB of others may have come with it. */
  next(): string | undefined {
    if (!this.hasLine) return undefined
    const end = this.#whole.indexOf('\r\n', this.#at)
    const line = inItsOwnMemory(this.#whole.slice(this.#at, end), this.#whole)
    this.#at = end + 2
    if (this.#at === this.#whole.length) this.#whole = ''
    return line
  }

  /** Nothing more is carried out. */
  forget(): void {
    clearTimeout(this.#deadline)
    this.#whole = ''
    this.#partial = ''
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

/** Lines that end in time are passed by together: there may be 30,000 of them. */
function longLineIn(text: string, inLogin: boolean): Refusal | undefined {
  for (let start = 0; text.length - start > lineBytes; ) {
    const short = text.lastIndexOf('\r\n', start + lineBytes)
    const end = short < start ? lineEndBehind(text, start) : short
    if (end - start > lineBytes) {
      const ofLogin = (inLogin && start === 0) || /^AUTH /i.test(text.slice(start, start + 5))
      if (!ofLogin) return protocol.lineTooLong
      if (end - start > loginLineBytes) return protocol.loginTooLong
    }
    start = end + 2
  }
  return undefined
}

/** The CR at the very end may be half of what ends the line. */
function lineEndBehind(text: string, start: number): number {
  const end = text.indexOf('\r\n', start)
  if (end !== -1) return end
  return text.endsWith('\r') ? text.length - 1 : text.length
}
