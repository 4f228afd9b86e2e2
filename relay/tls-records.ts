/** Where the records of TLS end in what a peer sends (RFC 8446 section 5.1, RFC 5246 section 6.2.1); their heads are never encrypted. */

/** The type, two octets of a version, and two of the length. */
const headOctets = 5
const lengthAt = 3

export class TlsRecords {
  /** Octets of the head that have come. */
  #head = 0
  /** Octets that are to come, once the head has. */
  #left = 0

  /** The record of which octets were taken last has come as a whole. */
  get isOver(): boolean {
    return this.#head === headOctets && this.#left === 0
  }

  /** How many of these octets belong to the record that is under way, or to the next one. */
  take(octets: Uint8Array): number {
    if (this.isOver) this.#head = 0
    let at = 0
    for (; this.#head < headOctets && at < octets.length; at += 1) {
      if (this.#head >= lengthAt) this.#left = this.#left * 256 + (octets[at] ?? 0)
      this.#head += 1
    }
    const more = this.#head < headOctets ? 0 : Math.min(this.#left, octets.length - at)
    this.#left -= more
    return at + more
  }
}
