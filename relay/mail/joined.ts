/** Octets that came in pieces, as one; a piece that is alone is not copied. Pure. */

export function joined(pieces: readonly Buffer[]): Buffer {
  const [only] = pieces
  return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces)
}
