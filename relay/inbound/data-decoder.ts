/**
 * Takes the dot-stuffing out of what comes behind 354 (RFC 5321 section 4.5.2). Only CR LF . CR LF ends a content: an end that is
 * written with a bare LF or CR is how messages are smuggled.
 */
import { joined } from '../mail/joined.ts'

export type Decoded = {
  readonly content: Buffer
  /** The octets behind the final dot, maybe none; undefined while that has not come. */
  readonly rest?: Buffer
}

const cr = 0x0d
const dot = 0x2e
const lineDot = Buffer.from('\r\n.')
const end = Buffer.from('\r\n.\r\n')

export class DataDecoder {
  /**
   * So many octets of `end` are the last that came, and what they are is told by those that follow. At the beginning the two of CR LF,
   * which ended the DATA command: a dot may follow at once.
   */
  #begun = 2
  /** So many of these are not to be given as content any more: they were given, or were no part of the content. */
  #given = 2

  /** The content in the next chunk. A dot is taken away only behind CR LF: behind LF alone no client has put one there. */
  take(chunk: Buffer): Decoded {
    const settled = this.#given === this.#begun && chunk[0] !== dot
    const octets = settled ? chunk : Buffer.concat([end.subarray(0, this.#begun), chunk])
    const pieces: Buffer[] = []
    let from = settled ? 0 : this.#given
    let at = octets.indexOf(lineDot)
    for (; at !== -1; at = octets.indexOf(lineDot, from)) {
      const behind = lineEndAt(octets, at + 3)
      if (behind === 'unknown') break
      pieces.push(octets.subarray(from, at + 2))
      from = at + 3
      if (behind === 'whole') return { content: joined(pieces), rest: octets.subarray(from + 2) }
    }
    const keep = at === -1 ? octets.length - lineEndLength(octets) : at
    pieces.push(octets.subarray(from, Math.max(from, keep)))
    this.#begun = octets.length - keep
    this.#given = Math.max(0, from - keep)
    return { content: joined(pieces) }
  }
}

/** Whether CR LF stands at `at`; `unknown` where the octets that would tell have not come. */
function lineEndAt(octets: Buffer, at: number): 'whole' | 'none' | 'unknown' {
  const { length } = octets
  if (at === length || (at === length - 1 && octets[at] === cr)) return 'unknown'
  return octets[at] === cr && octets[at + 1] === lineDot[1] ? 'whole' : 'none'
}

/** How many octets at the very end are CR LF (2) or its CR alone (1). */
function lineEndLength(octets: Buffer): number {
  if (octets.at(-1) === cr) return 1
  return octets.at(-2) === cr && octets.at(-1) === lineDot[1] ? 2 : 0
}
