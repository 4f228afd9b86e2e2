/** What is known of a content while it streams by. Nothing of it goes to the spool before its header is judged. */
import { isAscii } from 'node:buffer'
import type { ListenerConfig } from '../config.ts'
import { headerEnd } from '../mail/header.ts'
import { joined } from '../mail/joined.ts'
import { LineEnds } from '../mail/line-ends.ts'
import { beforeContent, scan } from '../mail/newlines.ts'
import { type Refusal, refusal } from '../mail/rule.ts'
import type { HeaderVerdict } from '../rules/content.ts'
import { headerLimits } from '../rules/header-facts.ts'
import { judgeOctets } from '../rules/size.ts'
import type { HeldShare } from './held.ts'
import { heldAmongMany, heldPieces } from './limits.ts'

/** `header`: the pieces that are kept in place of the header that was judged. */
export type JudgedHeader = { readonly header: readonly Buffer[]; readonly verdict: HeaderVerdict }

export type ContentLimits = Pick<ListenerConfig, 'bareNewlines'> & { readonly messageBytes: number }

const blankLine = '\r\n\r\n'

export class Content {
  readonly #messageBytes: number
  readonly #lineEnds: LineEnds | undefined
  readonly #judge: (header: Buffer) => JudgedHeader
  readonly #share: HeldShare
  #newlines = beforeContent
  #bytes = 0
  #eightBit = false
  #held: Buffer[] = []
  /** The last three octets that are held. A string, since a slice of a buffer would keep the whole buffer in memory. */
  #tail = ''
  #heldBytes = 0
  #verdict: JudgedHeader['verdict'] | undefined
  #headerTooLarge = false
  #headerAmongMany = false

  constructor(
    { messageBytes, bareNewlines }: ContentLimits,
    share: HeldShare,
    judge: (header: Buffer) => JudgedHeader,
  ) {
    this.#messageBytes = messageBytes
    this.#lineEnds = bareNewlines === 'Normalise' ? new LineEnds() : undefined
    this.#share = share
    this.#judge = judge
  }

  /** Takes a piece. Its line ends are normalised first (where the listener does that), so that what is judged is what goes on. */
  take(octets: Buffer): void {
    const chunk = this.#lineEnds?.take(octets) ?? octets
    this.#newlines = scan(this.#newlines, chunk)
    this.#bytes += chunk.length
    this.#eightBit ||= !isAscii(chunk)
    if (!this.refusal) this.#hold(chunk)
    if (this.refusal) this.letGo()
  }

  /** Drops all that is held: the content goes nowhere. */
  letGo(): void {
    this.#holdOnly([], 0)
  }

  /** What is to be written to the spool now: nothing before the header is judged, and then only when enough is held for a write. */
  release(): Buffer | undefined {
    return this.#verdict && !this.refusal && this.#heldBytes >= this.#share.most() ? this.#takeHeld() : undefined
  }

  /** What is left to be written, after the last piece. A content without a blank line is all header, and judged here. */
  end(): Buffer {
    if (!this.#verdict && !this.refusal) this.#lookForHeader(true)
    return this.#takeHeld()
  }

  /** The gravest fault of the content so far. Not the first one seen: that would depend on how the client's octets were cut. */
  get refusal(): Refusal | undefined {
    const fault = judgeOctets(this.#newlines, this.#bytes, this.#messageBytes)
    if (fault) return fault
    if (this.#headerTooLarge) return refusal('always.headerSize')
    if (this.#headerAmongMany) return refusal('always.memory')
    return this.#verdict?.refusal
  }

  get audited(): readonly Refusal[] {
    return this.#verdict?.audited ?? []
  }

  get fromDomain(): string {
    return this.#verdict?.fromDomain ?? ''
  }

  get signingDomain(): string | undefined {
    return this.#verdict?.signingDomain
  }

  get eightBit(): boolean {
    return this.#eightBit
  }

  #hold(chunk: Buffer): void {
    this.#held.push(chunk)
    const held = this.#held.length > heldPieces ? [joined(this.#held)] : this.#held
    this.#holdOnly(held, this.#heldBytes + chunk.length)
    if (this.#verdict) return
    if (this.#mayEndHeader(chunk)) this.#lookForHeader(false)
    if (!this.#verdict) this.#tail = lastOctets(this.#tail, chunk)
    // A header that is not complete can not be written, so it stays in memory: while that is much in all, it may be shorter only.
    this.#headerAmongMany = !this.#verdict && this.#heldBytes > heldAmongMany && this.#share.isMuch()
  }

  #holdOnly(held: Buffer[], bytes: number): void {
    this.#share.change(this.#heldBytes, bytes)
    this.#held = held
    this.#heldBytes = bytes
  }

  /** Whether the header may be complete now; told without joining all that is held, which for each piece would take quadratic time. */
  #mayEndHeader(chunk: Buffer): boolean {
    // At the very beginning CR LF alone is enough: a header without any field.
    if (this.#heldBytes - chunk.length < 2 || this.#heldBytes > headerLimits.octets) return true
    return (this.#tail + chunk.toString('latin1', 0, 3)).includes(blankLine) || chunk.includes(blankLine)
  }

  #lookForHeader(atEnd: boolean): void {
    const octets = joined(this.#held)
    const found = headerEnd(octets)
    const end = found === -1 && atEnd ? octets.length : found
    this.#held = [octets]
    if (end > headerLimits.octets || (end === -1 && octets.length > headerLimits.octets)) this.#headerTooLarge = true
    else if (end !== -1) this.#goOnWith(this.#judge(octets.subarray(0, end)), octets.subarray(end))
  }

  /** From here on the header that was judged is held and written like any other part of the content. */
  #goOnWith({ header, verdict }: JudgedHeader, rest: Buffer): void {
    this.#verdict = verdict
    const held = [...header, rest]
    this.#holdOnly(
      held,
      held.reduce((sum, { length }) => sum + length, 0),
    )
  }

  #takeHeld(): Buffer {
    const octets = joined(this.#held)
    this.#holdOnly([], 0)
    return octets
  }
}

/** The last three octets of `before` and `chunk` together. */
const lastOctets = (before: string, chunk: Buffer): string =>
  (before + chunk.toString('latin1', Math.max(0, chunk.length - 3))).slice(-3)
