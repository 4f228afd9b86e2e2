/** The forward-paths of a transaction, each mailbox once; while all transactions together hold much, who has more than a fair share has few. */
import { comparableForwardPath } from '../mail/address.ts'
import type { HeldShare } from './held.ts'
import { heldAmongMany, recipientBytes } from './limits.ts'

export class Recipients {
  readonly #share: HeldShare
  /** As the client wrote them, by the form in which they are compared. */
  readonly #paths = new Map<string, string>()
  #bytes = 0

  constructor(share: HeldShare) {
    this.#share = share
  }

  get size(): number {
    return this.#paths.size
  }

  /** In their order. */
  get paths(): readonly string[] {
    return [...this.#paths.values()]
  }

  /** One more would be too much: with a thousand each, a thousand sessions would fill the memory. */
  get areMuch(): boolean {
    return this.#bytes > heldAmongMany && this.#share.isMuch()
  }

  has(path: string, form = comparableForwardPath(path)): boolean {
    return this.#paths.has(form)
  }

  /** False: it was there already, and stays as it was written first. */
  add(path: string, form = comparableForwardPath(path)): boolean {
    if (this.#paths.has(form)) return false
    // Of two that are equal one is kept.
    const own = form === path ? path : form
    this.#paths.set(own, path)
    this.#hold(this.#bytes + recipientBytes + path.length + (own === path ? 0 : form.length))
    return true
  }

  /** They go nowhere, or are another's. */
  letGo(): void {
    this.#hold(0)
  }

  #hold(bytes: number): void {
    this.#share.change(this.#bytes, bytes)
    this.#bytes = bytes
  }
}
