/**
 * Where the last write to a segment was cut short, as by a loss of power: its sectors reach the medium in any order, and those that
 * did not are read as zeros, also before others that did. Nobody was promised anything of it, so this is no damage. Pure.
 */
import type { Piece } from './record.ts'

/** The pieces of the newest segment, of which those from the cut on are torn. */
export function* cutShort(bytes: Buffer, pieces: Iterable<Piece>): Generator<Piece> {
  let saysWhereWritesBegin = false
  let cut: Piece[] = []
  for (const piece of pieces) {
    const begins = beginsWrite(piece)
    if (piece.at === 0) saysWhereWritesBegin = begins && !bytes.subarray(-byHand.length).equals(byHand)
    if (begins) {
      // A later write: whatever is wrong before it was whole once.
      yield* cut
      cut = []
    }
    const isCut = cut.length > 0 || (saysWhereWritesBegin && piece.kind === 'damaged' && holdsHole(bytes, piece))
    if (isCut) cut.push(piece)
    else yield piece
  }
  for (const { at } of cut) yield { kind: 'torn', at }
}

/** Never in a segment of an earlier version. */
function beginsWrite(piece: Piece): boolean {
  if (piece.kind === 'torn') return false
  const said = piece.kind === 'record' ? piece.entry : piece.said
  return said?.first === true
}

/** Below a copy of what could be read a person writes this (docs/sre.md): the zeros in it stand for what was there. */
const byHand = Buffer.from('damaged, by hand\n')

/** The least that a medium writes at once. */
const sectorBytes = 512
/** Records have no such run of zeros: contents and JSON have no NUL, and heads have three together. */
const fewestZeros = 16

/** Zeros up to the end of a sector, or of the file. Both records may have octets in the last sector, and each may have only few. */
function holdsHole(bytes: Buffer, { at, end }: { readonly at: number; readonly end: number }): boolean {
  for (let edge = at - (at % sectorBytes) + sectorBytes; edge < end + sectorBytes; edge += sectorBytes) {
    const from = Math.max(at, edge - sectorBytes, Math.min(edge, end) - fewestZeros)
    if (isZero(bytes.subarray(from, edge))) return true
  }
  return false
}

const isZero = (octets: Buffer): boolean => octets.every((octet) => octet === 0)
