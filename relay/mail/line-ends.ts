/** Makes CR LF of every CR and of every LF that stands alone, and of CR CR LF, for a listener that normalises; chunk by chunk. */
import { beforeContent, scan } from './newlines.ts'

const cr = 0x0d
const none = Buffer.alloc(0)

export class LineEnds {
  /** One CR or two that end what came: what follows tells whether they stand alone. */
  #held = none

  /** The chunk itself where nothing in it stands alone. CRs at its end are given with the next chunk. */
  take(chunk: Buffer): Buffer {
    const octets = this.#held.length > 0 ? Buffer.concat([this.#held, chunk]) : chunk
    const end = octets.at(-1) !== cr ? octets.length : octets.length - (octets.at(-2) === cr ? 2 : 1)
    this.#held = end < octets.length ? Buffer.from(octets.subarray(end)) : none
    const given = end < octets.length ? octets.subarray(0, end) : octets
    return scan(beforeContent, octets).bare ? mended(given) : given
  }
}

/** CR CR LF is one line end, that of software which makes CR LF of each LF, also where CR was before it. */
const mended = (octets: Buffer): Buffer =>
  Buffer.from(octets.toString('latin1').replaceAll(/\r?\r?\n|\r/g, '\r\n'), 'latin1')
