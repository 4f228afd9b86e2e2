/** The forward-paths of a transaction, each mailbox once; while all sessions together hold much, a greedy credential may have few. */
import type { RecipientWish } from '../mail/report-wishes.ts'
import type { HeldShare } from './held.ts'
import { heldAmongMany, recipientBytes, wishBytes } from './limits.ts'

export class Recipients {
  readonly #share: HeldShare
  /** Paths as the client wrote them, by the form in which they are compared; in the order of their RCPT. */
  readonly #paths = new Map<string, string>()
  /** By position; absent where nothing is asked, as of nearly all. */
  #wishes: Record<number, RecipientWish> | undefined
  #bytes = 0

  constructor(share: HeldShare) {
    this.#share = share
  }

  get size(): number {
    return this.#paths.size
  }

  /** In the order of their RCPT. */
  get paths(): readonly string[] {
    return [...this.#paths.values()]
  }

  /** What is asked of the reports on them, by position. */
  get wishes(): Readonly<Record<number, RecipientWish>> | undefined {
    return this.#wishes
  }

  /** No further recipient is to be taken for now: a thousand sessions with a thousand each would fill the memory. */
  get areMuch(): boolean {
    return this.#bytes > heldAmongMany && this.#share.isMuch()
  }

  /** `form` is the one in which paths are compared (`formOf`). */
  has(form: string): boolean {
    return this.#paths.has(form)
  }

  /** False: it was there already, and stays as it was written first. */
  add(path: string, form: string, wish: RecipientWish = {}): boolean {
    if (this.#paths.has(form)) return false
    // Two strings that are equal would be kept twice: the same one is both key and value.
    const own = form === path ? path : form
    const asked = this.#note(wish)
    this.#paths.set(own, path)
    this.#hold(this.#bytes + recipientBytes + path.length + (own === path ? 0 : form.length) + asked)
    return true
  }

  /** They are not counted as held any more: the transaction is over, or the spool has them. */
  letGo(): void {
    this.#hold(0)
  }

  /** Of the next recipient; returns the octets that it holds. */
  #note(wish: RecipientWish): number {
    if (wish.notify === undefined && wish.orcpt === undefined) return 0
    this.#wishes ??= {}
    this.#wishes[this.#paths.size] = wish
    return wishBytes + (wish.orcpt?.length ?? 0)
  }

  #hold(bytes: number): void {
    this.#share.change(this.#bytes, bytes)
    this.#bytes = bytes
  }
}
