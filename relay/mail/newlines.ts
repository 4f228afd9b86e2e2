/** Looks for what must not be in a content: CR or LF alone (RFC 5321 section 2.3.8), and NUL. Pure, chunk by chunk. */

export type Newlines = {
  readonly bare: boolean
  readonly nul: boolean
  /** The last octet was CR: the next one has to be LF. */
  readonly afterCr: boolean
}

export const beforeContent: Newlines = { bare: false, nul: false, afterCr: false }

const cr = 13
const lf = 10

/** What is known after one more chunk. */
export function scan(before: Newlines, chunk: Buffer): Newlines {
  if (chunk.length === 0) return before
  return {
    bare: before.bare || hasBare(chunk, before.afterCr),
    nul: before.nul || chunk.indexOf(0) !== -1,
    afterCr: chunk[chunk.length - 1] === cr,
  }
}

/** `indexOf` runs at the speed of memory, a loop over octets does not. */
function hasBare(chunk: Buffer, afterCr: boolean): boolean {
  if ((chunk[0] === lf) !== afterCr) return true
  let at = afterCr ? 1 : 0
  for (;;) {
    const nextLf = chunk.indexOf(lf, at)
    const nextCr = chunk.indexOf(cr, at)
    if (nextLf === -1) return nextCr !== -1 && nextCr !== chunk.length - 1
    if (nextCr !== nextLf - 1) return true
    at = nextLf + 1
  }
}
