/** Parses the tag lists of DKIM and DMARC strictly: `v=DKIM1; k=rsa; p=…` (RFC 6376 section 3.2). */

export type TagList =
  | { readonly ok: true; readonly tags: ReadonlyMap<string, string>; readonly first: string | undefined }
  | { readonly ok: false; readonly why: string }

const tagName = /^[A-Za-z][A-Za-z0-9_]*$/
// Folding white space is allowed around names and within values.
const tagValue = /^[!-:<-~ \t\r\n]*$/
const isBlank = (char: string | undefined): boolean => char === ' ' || char === '\t' || char === '\r' || char === '\n'

/** A loop and no regular expression, which would take quadratic time for a record of 60,000 blanks. */
function trimmed(text: string): string {
  let [from, to] = [0, text.length]
  while (from < to && isBlank(text[from])) from += 1
  while (to > from && isBlank(text[to - 1])) to -= 1
  return text.slice(from, to)
}

export function parseTagList(text: string): TagList {
  const parts = text.split(';')
  // A final semicolon is allowed.
  if (trimmed(parts.at(-1) ?? '') === '') parts.pop()
  const tags = new Map<string, string>()
  for (const part of parts) {
    const equals = part.indexOf('=')
    const name = trimmed(part.slice(0, Math.max(0, equals)))
    const value = trimmed(part.slice(equals + 1))
    if (equals < 0 || !tagName.test(name)) return { ok: false, why: `${quoted(part)} is no tag=value` }
    if (!tagValue.test(value)) return { ok: false, why: `the value of ${name}= has a character that may not be there` }
    // RFC 6376 section 3.2: a duplicate tag makes the whole list invalid.
    if (tags.has(name)) return { ok: false, why: `${name}= is there twice` }
    tags.set(name, value)
  }
  return { ok: true, tags, first: [...tags.keys()][0] }
}

/** A text in quotes for a message: shortened, and without control characters. */
export function quoted(text: string): string {
  const plain = trimmed(text).replaceAll(/[^ -~]/g, '?')
  return JSON.stringify(plain.length > 60 ? `${plain.slice(0, 60)}…` : plain)
}
