/**
 * For a listener with `bareNewlines: Normalise`: makes CR LF of every bare CR, every bare LF and every CR CR LF, chunk by chunk.
 */
import { beforeContent, scan } from './newlines.ts'

const cr = 0x0d
const none = Buffer.alloc(0)

export class LineEnds {
  /** One or two CRs at the end of what came: only what follows tells whether they stand alone. */
  #held = none

  /** The chunk with its line ends mended; the chunk itself where none has to be. CRs at its end come out with the next chunk. */
  take(chunk: Buffer): Buffer {
    const octets = this.#held.length > 0 ? Buffer.concat([this.#held, chunk]) : chunk
    const end = octets.at(-1) !== cr ? octets.length : octets.length - (octets.at(-2) === cr ? 2 : 1)
    this.#held = end < octets.length ? Buffer.from(octets.subarray(end)) : none
    const given = end < octets.length ? octets.subarray(0, end) : octets
    return scan(beforeContent, octets).bare ? mended(given) : given
  }
}

/** CR CR LF is one line end: software that turns every LF into CR LF makes it of CR LF. */
const mended = (octets: Buffer): Buffer =>
  Buffer.from(octets.toString('latin1').replaceAll(/\r?\r?\n|\r/g, '\r\n'), 'latin1')
