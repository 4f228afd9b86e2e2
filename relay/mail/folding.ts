/** Where a long field is folded (RFC 5322 section 2.2.3): at which of its parts a line begins. Pure. */

/** The parts, put together into lines of at most `width` characters; only a part that is longer by itself makes a longer one. */
export function linesOf(parts: readonly string[], width: number): readonly string[] {
  const lines = ['']
  for (const part of parts) {
    const line = lines.at(-1) ?? ''
    if (line !== '' && line.length + part.length > width) lines.push(part)
    else lines[lines.length - 1] = line + part
  }
  return lines
}
