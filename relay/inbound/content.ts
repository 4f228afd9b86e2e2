/** What is known of a content while it streams by; its octets are held only until its header is judged. */
import { isAscii } from 'node:buffer'
import type { ListenerConfig } from '../config.ts'
import { headerEnd } from '../mail/header.ts'
import { LineEnds } from '../mail/line-ends.ts'
import { beforeContent, scan } from '../mail/newlines.ts'
import { type Refusal, refusal } from '../mail/rule.ts'
import type { HeaderVerdict } from '../rules/content.ts'
import type { HeldShare } from './held.ts'
import { joined } from './joined.ts'
import { headerBytes, heldAmongMany, heldPieces } from './limits.ts'

/** `header` is what goes on in place of the one that was judged, in pieces. */
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
  /** The last octets of them; as a buffer it would keep all that came with them. */
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

  /** What is counted, judged and kept is what goes on: its line ends are mended first. */
  take(octets: Buffer): void {
    const chunk = this.#lineEnds?.take(octets) ?? octets
    this.#newlines = scan(this.#newlines, chunk)
    this.#bytes += chunk.length
    this.#eightBit ||= !isAscii(chunk)
    if (!this.refusal) this.#hold(chunk)
    if (this.refusal) this.letGo()
  }

  /** It goes nowhere: nothing is held any more. */
  letGo(): void {
    this.#holdOnly([], 0)
  }

  /** What may be written by now: nothing before the header is judged, and not in crumbs. */
  release(): Buffer | undefined {
    return this.#verdict && !this.refusal && this.#heldBytes >= this.#share.most() ? this.#takeHeld() : undefined
  }

  /** The rest, after the last chunk; a content without a blank line is all header. */
  end(): Buffer {
    if (!this.#verdict && !this.refusal) this.#lookForHeader(true)
    return this.#takeHeld()
  }

  /** The same whatever the chunks were: the gravest fault of the content, not the first one seen. */
  get refusal(): Refusal | undefined {
    if (this.#newlines.bare) return refusal('listeners.bareNewlines')
    if (this.#newlines.nul) return refusal('always.nul')
    if (this.#bytes > this.#messageBytes) return refusal('admission.limits.messageSize')
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
    // It goes nowhere before it is judged.
    this.#headerAmongMany = !this.#verdict && this.#heldBytes > heldAmongMany && this.#share.isMuch()
  }

  #holdOnly(held: Buffer[], bytes: number): void {
    this.#share.change(this.#heldBytes, bytes)
    this.#held = held
    this.#heldBytes = bytes
  }

  /** Octets that come one by one are not joined one by one: that would take the square of their number. */
  #mayEndHeader(chunk: Buffer): boolean {
    // At the very beginning two are enough: a header of no field.
    if (this.#heldBytes - chunk.length < 2 || this.#heldBytes > headerBytes) return true
    return (this.#tail + chunk.toString('latin1', 0, 3)).includes(blankLine) || chunk.includes(blankLine)
  }

  #lookForHeader(atEnd: boolean): void {
    const octets = joined(this.#held)
    const found = headerEnd(octets)
    const end = found === -1 && atEnd ? octets.length : found
    this.#held = [octets]
    if (end > headerBytes || (end === -1 && octets.length > headerBytes)) this.#headerTooLarge = true
    else if (end !== -1) this.#goOnWith(this.#judge(octets.subarray(0, end)), octets.subarray(end))
  }

  /** The header is held with what follows it, and no longer than that. */
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

/** Three of them, or all. */
const lastOctets = (before: string, chunk: Buffer): string =>
  (before + chunk.toString('latin1', Math.max(0, chunk.length - 3))).slice(-3)
