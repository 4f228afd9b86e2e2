/** The hash of a body as DKIM sees it, chunk by chunk: relaxed canonicalisation (RFC 6376 section 3.4.4). */
import { createHash } from 'node:crypto'

const [tab, lf, cr, space] = [0x09, 0x0a, 0x0d, 0x20]
const manyLineEnds = Buffer.from('\r\n'.repeat(4096))

export class BodyHash {
  readonly #hash = createHash('sha256')
  /** Line ends of earlier chunks. They count when something follows: blank lines at the end do not. */
  #lineEnds = 0
  /** White space, which counts as one space, and only if its line goes on. */
  #blank = false
  #empty = true

  /** A content in the spool has no bare CR or LF: each CR is that of a line end. */
  update(chunk: Buffer): void {
    // No longer than the chunk, but for the CR of a line end whose LF comes first in it, and for a space that waited.
    const out = Buffer.allocUnsafe(chunk.length + 2)
    let length = 0
    // Local, since each octet needs them.
    let lineEnds = 0
    let blank = this.#blank
    for (let at = 0; at < chunk.length; at++) {
      const octet = chunk[at] ?? 0
      if (octet > space || !isWhite(octet)) {
        if (lineEnds > 0 || blank || length === 0) {
          length = this.#goOn(out, length, lineEnds, blank)
          lineEnds = 0
          blank = false
        }
        out[length++] = octet
      } else if (octet === lf) {
        lineEnds++
        blank = false
      } else if (octet !== cr) blank = true
    }
    this.#blank = blank
    this.#lineEnds += lineEnds
    this.#take(out.subarray(0, length))
  }

  /** In base64, as it stands in bh=. */
  digest(): string {
    this.#lineEnds = 1
    if (!this.#empty) this.#endLines()
    return this.#hash.digest('base64')
  }

  /** Something follows: what waited counts. */
  #goOn(out: Buffer, from: number, lineEnds: number, blank: boolean): number {
    this.#endLines()
    let length = from
    for (let i = 0; i < lineEnds; i++) {
      out[length++] = cr
      out[length++] = lf
    }
    if (blank) out[length++] = space
    return length
  }

  #endLines(): void {
    for (; this.#lineEnds > 0; this.#lineEnds -= Math.min(this.#lineEnds, manyLineEnds.length / 2)) {
      this.#take(manyLineEnds.subarray(0, this.#lineEnds * 2))
    }
  }

  #take(octets: Buffer): void {
    if (octets.length === 0) return
    this.#empty = false
    this.#hash.update(octets)
  }
}

const isWhite = (octet: number): boolean => octet === space || octet === tab || octet === cr || octet === lf
