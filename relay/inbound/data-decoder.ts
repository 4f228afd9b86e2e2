/** What comes behind 354 becomes the content: CR LF . CR LF ends it and nothing else; other dots before a line go. */
import { joined } from './joined.ts'

export type Decoded = {
  readonly content: Buffer
  /** What came behind the end; undefined while that is not seen. */
  readonly rest?: Buffer
}

const cr = 0x0d
const dot = 0x2e
const lineDot = Buffer.from('\r\n.')
const end = Buffer.from('\r\n.\r\n')

export class DataDecoder {
  // A content begins behind a line end, which is not part of it.
  /** So many octets of `end` stand at the end of what came. */
  #begun = 2
  /** Octets of them that are given already, or to nobody. */
  #given = 2

  /** Takes a dot away only behind CR LF: behind LF alone nobody put one there (RFC 5321 section 4.5.2). */
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

/** Whether CR LF stands at `at`, as far as can be told by now. */
function lineEndAt(octets: Buffer, at: number): 'whole' | 'none' | 'unknown' {
  const { length } = octets
  if (at === length || (at === length - 1 && octets[at] === cr)) return 'unknown'
  return octets[at] === cr && octets[at + 1] === lineDot[1] ? 'whole' : 'none'
}

/** Of CR LF, or of CR, at the very end. */
function lineEndLength(octets: Buffer): number {
  if (octets.at(-1) === cr) return 1
  return octets.at(-2) === cr && octets.at(-1) === lineDot[1] ? 2 : 0
}
