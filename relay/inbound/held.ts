/** What contents hold in memory before it goes to the spool: while all of it is much, who has more than a fair share may hold less (case R15). */
import { heldAmongMany, heldByAll, heldBytes } from './limits.ts'

export class Held {
  /** Of each credential whose contents hold something. */
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

  /** Who is below its share is not held up by others; all that are below theirs hold as much again at the most. */
  #isMuch(credential: string): boolean {
    if (this.#bytes <= heldByAll) return false
    return (this.#ofCredentials.get(credential) ?? 0) > heldByAll / this.#ofCredentials.size
  }
}

/** Of one credential's contents. */
export type HeldShare = {
  /** Of one content: so many octets where there were `before`. */
  readonly change: (before: number, bytes: number) => void
  readonly isMuch: () => boolean
  /** From so many octets on a content goes to the spool. */
  readonly most: () => number
}
