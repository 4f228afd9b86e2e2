/** Command lines out of octets: all that comes is judged before any line in it is carried out, and kept until it is. */
import { Alarm } from '../alarm.ts'
import type { Refusal } from '../mail/rule.ts'
import { commandMs, lineBytes, loginLineBytes } from './limits.ts'
import { inItsOwnMemory } from './line-text.ts'
import { protocol } from './protocol.ts'

export class CommandLines {
  readonly #deadline: Alarm
  /** Whole lines that wait, in one string; as a string each, short lines would take eight times their octets of memory. */
  #whole = ''
  /** Where the next line begins in `#whole`. */
  #at = 0
  /** The beginning of a line whose end has not come yet. */
  #partial = ''

  /** `tooSlow` is called when a line is not complete `commandMs` after its first octet, however its octets trickle in. */
  constructor(tooSlow: () => void) {
    this.#deadline = new Alarm(tooSlow)
  }

  /** Something has come behind the line that is being carried out. */
  get waiting(): boolean {
    return this.hasLine || this.#partial !== ''
  }

  /** A whole line waits. */
  get hasLine(): boolean {
    return this.#whole !== ''
  }

  /** Keeps `octets` (one character each), or says why they may not be carried out and keeps nothing of them. */
  take(octets: string, inLogin: boolean): Refusal | undefined {
    const fault = faultIn(octets, inLogin, this.#partial)
    if (fault) return fault
    // Without an LF no further line is complete.
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

  /** The line to carry out next, without its CR LF; in memory of its own, since up to 64 KiB may have come in one piece with it. */
  next(): string | undefined {
    if (!this.hasLine) return undefined
    const end = this.#whole.indexOf('\r\n', this.#at)
    const line = inItsOwnMemory(this.#whole.slice(this.#at, end), this.#whole)
    this.#at = end + 2
    if (this.#at === this.#whole.length) this.#whole = ''
    return line
  }

  /** Drops all that waits: nothing more is carried out. */
  forget(): void {
    this.#deadline.end()
    this.#whole = ''
    this.#partial = ''
  }

  #keep(partial: string, another: boolean): void {
    if (partial === '') this.#deadline.unset()
    else if (another || this.#partial === '') this.#deadline.set(commandMs)
    this.#partial = partial
  }
}

const bareNewline = /(?<!\r)\n|\r(?!\n|$)/
const controlCharacter = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/
// A browser (on behalf of a web page) or a proxy may send us HTTP that has SMTP commands in it: what follows its first line must not
// be carried out.
const foreign = /(?:[A-Z]+ \S* HTTP\/\d|PROXY (?:TCP|UNKNOWN))/.source
const otherProtocol = new RegExp(`^${foreign}`, 'im')
// One whole line without any of these faults, which nearly everything is: one look in place of four.
const plainLine = new RegExp(`^(?!${foreign})[\\t -~\\x80-\\xff]*\\r\\n$`, 'i')

/**
 * The refusal for first octets that are no SMTP but come of a wrong setup, which the reply then names: a record of a TLS handshake
 * of any version (RFC 8446 section 5.1), or a PROXY protocol header of version 1 or 2. Undefined for all others.
 */
export function misplacedIn(octets: string): Refusal | undefined {
  if (/^\x16(?:\x03|$)/.test(octets)) return protocol.tlsUnasked
  return isProxyHeader(octets) ? protocol.proxyHeader : undefined
}

/** Whether these first octets of a connection, one character each, are a PROXY protocol header of version 1 or 2. */
export const isProxyHeader = (octets: string): boolean => /^(?:PROXY (?:TCP|UNKNOWN)|\r\n\r\n\0\r\nQUIT\n)/.test(octets)

/**
 * The first fault in `octets` (whole lines and maybe the beginning of the next one, one character for each octet). `partial` is the
 * beginning of a line that came before them: no fault was found in it, and it is not looked through again, since octets may come
 * one by one. `inLogin`: the first line belongs to a login and may be as long as a token.
 */
export function faultIn(octets: string, inLogin: boolean, partial = ''): Refusal | undefined {
  if (partial === '' && octets.length <= lineBytes && plainLine.test(octets)) return undefined
  if (controlCharacter.test(octets)) return misplacedIn(partial + octets) ?? protocol.controlCharacter
  if (bareNewline.test(partial.slice(-1) + octets)) return protocol.bareNewline
  const text = partial + octets
  if (octets.includes('\n') && otherProtocol.test(text)) return misplacedIn(text) ?? protocol.notSmtp
  return text.length > lineBytes ? longLineIn(text, inLogin) : undefined
}

/** Looks only at ends of lines that are `lineBytes` apart: of 64 KiB of short lines (30,000 of them) most are skipped. */
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

/** Where the line that begins at `start` ends, without its CR LF; a CR at the very end may be the first half of one. */
function lineEndBehind(text: string, start: number): number {
  const end = text.indexOf('\r\n', start)
  if (end !== -1) return end
  return text.endsWith('\r') ? text.length - 1 : text.length
}
