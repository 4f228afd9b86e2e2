/** Text in the 7-bit form of internationalised addresses, as in commands and reports: `\x{E9}` for é (RFC 6533 section 3). Pure. */

/** With each character that `what` matches in that form. */
export const embedded = (text: string, what: RegExp): string =>
  Array.from(text, (c) => (what.test(c) ? `\\x{${codeOf(c)}}` : c)).join('')

const codeOf = (character: string): string =>
  (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(2, '0')
