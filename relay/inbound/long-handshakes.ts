/** The connections of strangers whose handshake brought a long chain of certificates: only so many at once (decision 0055). */

/** From so many octets on a handshake is a long one. A hello with keys of ML-KEM and two certificates of RSA 4096 need less. */
export const longOctets = 6 * 1024

/**
 * OpenSSL keeps a chain for as long as the connection lives, and what it makes of small certificates is ten times their octets: 128
 * chains of 24 KiB are 40 MB, and a thousand would be more than all that sessions may take (memory.ts).
 */
const mostAtOnce = 128

export type LongHandshake = {
  /** Of a stranger also now: whoever has logged in since does not give way. */
  readonly isOfStranger: () => boolean
  readonly giveWay: () => void
}

export class LongHandshakes {
  readonly #open = new Set<LongHandshake>()

  /** Where there is one too many, the oldest gives way: a client that is let in soon passes by those who only hold their place. */
  enter(one: LongHandshake): void {
    this.#open.add(one)
    const [oldest] = this.#open
    if (oldest === undefined || this.#open.size <= mostAtOnce) return
    this.#open.delete(oldest)
    if (oldest.isOfStranger()) oldest.giveWay()
  }

  leave(one: LongHandshake): void {
    this.#open.delete(one)
  }
}
