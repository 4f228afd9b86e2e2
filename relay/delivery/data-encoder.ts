/** Content as it stands between 354 and the end of DATA: dots stuffed (RFC 5321 section 4.5.2), octets else unchanged. */

/** The last line of defence: such content was never accepted, so it was damaged; nothing of it may leave. */
export class ContentError extends Error {}

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

  /** Positions of the dots that begin a line; every octet is looked at once. */
  #scan(chunk: Buffer): readonly number[] {
    const dots: number[] = []
    let previous = this.#previous
    for (let at = 0; at < chunk.length; at++) {
      const octet = chunk[at] ?? 0
      if (octet <= CR && octet !== 0x09) refuseBare(octet, previous)
      else if (previous === CR) throw new ContentError('bare CR in the content')
      else if (octet === DOT && previous === LF) dots.push(at)
      previous = octet
    }
    this.#previous = previous
    return dots
  }
}

function refuseBare(octet: number, previous: number): void {
  if (octet === 0) throw new ContentError('NUL in the content')
  if (octet === LF && previous !== CR) throw new ContentError('bare LF in the content')
  if (octet !== LF && previous === CR) throw new ContentError('bare CR in the content')
}

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
