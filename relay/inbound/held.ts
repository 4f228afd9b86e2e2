/**
 * How much memory is held for contents and recipients that are on their way. While it is much in all (`heldByAll`), a credential that
 * has more than its fair share of it may hold less (case R15).
 */
import { heldAmongMany, heldByAll, heldBytes } from './limits.ts'

export class Held {
  /** Octets held, by credential; one without any has no entry. */
  readonly #ofCredentials = new Map<string, number>()
  #bytes = 0

  of(credential: string): HeldShare {
    return {
      change: (before, bytes) => this.#change(credential, bytes - before),
      isMuch: () => this.#isMuch(credential),
      most: () => (this.#isMuch(credential) ? heldAmongMany : heldBytes),
    }
  }

  #change(credential: string, more: number): void {
    this.#bytes += more
    const share = (this.#ofCredentials.get(credential) ?? 0) + more
    if (share === 0) this.#ofCredentials.delete(credential)
    else this.#ofCredentials.set(credential, share)
  }

  /** A credential below its share is not held up by others; all that are below theirs hold together at most `heldByAll`. */
  #isMuch(credential: string): boolean {
    if (this.#bytes <= heldByAll) return false
    return (this.#ofCredentials.get(credential) ?? 0) > heldByAll / this.#ofCredentials.size
  }
}

/** One credential's part of what is held. */
export type HeldShare = {
  /** One content (or list) that held `before` octets holds `bytes` now. */
  readonly change: (before: number, bytes: number) => void
  /** All sessions together hold much, and this credential more than its share of it. */
  readonly isMuch: () => boolean
  /** From so many octets on a content is written to the spool. */
  readonly most: () => number
}
