/** Content as it stands between 354 and the end of DATA: dots stuffed (RFC 5321 section 4.5.2), octets else unchanged. */

/** The last line of defence: such content was never accepted, so it was damaged; nothing of it may leave. */
export class ContentError extends Error {}

export const wrongLength = (found: number, accepted: number): ContentError =>
  new ContentError(`the content has ${found} octets where ${accepted} were accepted`)

const CR = 0x0d
const LF = 0x0a
const DOT = 0x2e
const finalDot = Buffer.from('.\r\n')
const finalDotAfterLine = Buffer.from('\r\n.\r\n')

export class DataEncoder {
  #previous = LF
  #octets = 0

  /** Octets taken so far, the stuffed dots not counted. */
  get octets(): number {
    return this.#octets
  }

  /** The chunk itself where nothing is to be stuffed. @throws ContentError on a bare CR, a bare LF or NUL. */
  encode(chunk: Buffer): Buffer {
    const dots = this.#scan(chunk)
    this.#octets += chunk.length
    return dots.length === 0 ? chunk : stuffed(chunk, dots)
  }

  /** What ends the content. @throws ContentError on a CR at its very end. */
  end(): Buffer {
    if (this.#previous === CR) throw new ContentError('bare CR at the end of the content')
    return this.#previous === LF ? finalDot : finalDotAfterLine
  }

  /** Positions of the dots that begin a line. */
  #scan(chunk: Buffer): readonly number[] {
    if (chunk.length === 0) return []
    if (chunk.includes(0)) throw new ContentError('NUL in the content')
    const [afterCr, afterLf] = [this.#previous === CR, this.#previous === LF]
    if ((chunk[0] === LF) !== afterCr) throw bare(afterCr)
    // A string is searched at the speed of memory, a buffer with a call out of V8 for each line; a loop over octets is slower still.
    const text = chunk.toString('latin1')
    const dots: number[] = []
    const from = afterCr ? 1 : 0
    let line = afterCr || afterLf ? from : nextLine(text, from)
    for (; line !== -1; line = nextLine(text, line)) if (text.charCodeAt(line) === DOT) dots.push(line)
    this.#previous = chunk[chunk.length - 1] ?? LF
    return dots
  }
}

/** Behind the next CR LF, or -1. */
function nextLine(text: string, from: number): number {
  const lf = text.indexOf('\n', from)
  const cr = text.indexOf('\r', from)
  if (lf !== -1 && cr !== lf - 1) throw bare(cr !== -1 && cr < lf)
  // The CR at the very end may be half of a line end.
  if (lf === -1 && cr !== -1 && cr < text.length - 1) throw bare(true)
  return lf === -1 ? -1 : lf + 1
}

const bare = (isCr: boolean): ContentError => new ContentError(`bare ${isCr ? 'CR' : 'LF'} in the content`)

function stuffed(chunk: Buffer, dots: readonly number[]): Buffer {
  const encoded = Buffer.allocUnsafe(chunk.length + dots.length)
  let from = 0
  let to = 0
  for (const dot of dots) {
    to += chunk.copy(encoded, to, from, dot)
    encoded[to++] = DOT
    from = dot
  }
  chunk.copy(encoded, to, from)
  return encoded
}
