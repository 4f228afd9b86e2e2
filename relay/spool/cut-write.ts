/**
 * Where the last write to a segment was cut short, as by a loss of power: its sectors reach the medium in any order, and those that
 * did not are read as zeros, also before others that did. Nobody was promised anything of it, so this is no damage. Pure.
 */
import { scan } from './record.ts'

/** The octet from which nothing of the segment counts; Infinity where no write was cut before the end. */
export function cutOf(bytes: Buffer, nonce: Buffer): number {
  let cut = Number.POSITIVE_INFINITY
  if (bytes.subarray(-byHand.length).equals(byHand)) return cut
  for (const piece of scan(bytes, nonce)) {
    const first = piece.kind === 'record' && piece.entry.first === true
    // Segments of earlier versions do not say where a write begins.
    if (piece.at === 0 && !first) return cut
    // A later write: whatever is wrong before it was whole once.
    if (first) cut = Number.POSITIVE_INFINITY
    else if (piece.kind === 'damaged' && holdsHole(bytes, piece)) cut = Math.min(cut, piece.at)
  }
  return cut
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
