/** Makes CR LF of every CR and of every LF that stands alone, for a listener that normalises; chunk by chunk. */
import { beforeContent, scan } from './newlines.ts'

const cr = 0x0d

export class LineEnds {
  /** The last octet was CR, and what follows tells whether it stands alone. */
  #held = false

  /** The chunk itself where nothing in it stands alone. An end of CR is given with the next chunk. */
  take(chunk: Buffer): Buffer {
    const octets = this.#held ? Buffer.concat([Buffer.of(cr), chunk]) : chunk
    this.#held = octets.at(-1) === cr
    const given = this.#held ? octets.subarray(0, -1) : octets
    return scan(beforeContent, octets).bare ? mended(given) : given
  }
}

const mended = (octets: Buffer): Buffer =>
  Buffer.from(octets.toString('latin1').replaceAll(/\r\n?|\n/g, '\r\n'), 'latin1')
