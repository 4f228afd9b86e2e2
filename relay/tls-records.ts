/**
 * Finds where TLS records end in what a peer sends, by their heads, which are never encrypted (RFC 8446 section 5.1, RFC 5246
 * 6.2.1).
 */

/** A head is one octet of the type, two of a version, and two of the length. */
const headOctets = 5
const lengthAt = 3

export class TlsRecords {
  /** How many octets of the head have come. */
  #head = 0
  /** How many octets of the record are still to come, once the whole head has. */
  #left = 0

  /** The record that was taken last has come as a whole. */
  get isOver(): boolean {
    return this.#head === headOctets && this.#left === 0
  }

  /** Takes the next octets, up to the end of one record, and returns how many it took: those behind are of another record. */
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
