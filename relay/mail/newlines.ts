/** Looks for what must not be in a content: CR or LF alone (RFC 5321 section 2.3.8), and NUL. Pure, chunk by chunk. */

export type Newlines = {
  readonly bare: boolean
  readonly nul: boolean
  /** The last octet was CR: the next one has to be LF. */
  readonly afterCr: boolean
}

export const beforeContent: Newlines = { bare: false, nul: false, afterCr: false }

const cr = 13

/** What is known after one more chunk. */
export function scan(before: Newlines, chunk: Buffer): Newlines {
  if (chunk.length === 0) return before
  return {
    bare: before.bare || hasBare(chunk, before.afterCr),
    nul: before.nul || chunk.indexOf(0) !== -1,
    afterCr: chunk[chunk.length - 1] === cr,
  }
}

/**
 * Looked for in a string, not in the buffer: its `indexOf` is as fast, and a call, of which there are two a line, costs a third.
 */
function hasBare(chunk: Buffer, afterCr: boolean): boolean {
  const text = (afterCr ? '\r' : '') + chunk.toString('latin1')
  for (let at = 0; ; ) {
    const lf = text.indexOf('\n', at)
    const nextCr = text.indexOf('\r', at)
    // The CR at the very end may be half of a line end.
    if (lf === -1) return nextCr !== -1 && nextCr !== text.length - 1
    if (nextCr === -1 || nextCr !== lf - 1) return true
    at = lf + 1
  }
}
