/** Which header fields a signature covers, and how they are hashed: relaxed (RFC 6376 sections 3.4.2 and 5.4). Pure. */
import { endOfField } from '../mail/header.ts'

/**
 * Named once more than they are there (RFC 6376 section 5.4), so that one that is added later breaks the signature, also the first.
 * Everything that a person reads, and what says how the body is to be read.
 */
const oversigned = [
  ...['from', 'reply-to', 'to', 'cc', 'subject', 'date', 'message-id', 'in-reply-to', 'references'],
  ...['mime-version', 'content-type', 'content-transfer-encoding'],
]
/** Signed where they are there: somebody on the way may rightly add one. */
const signedIfThere = [
  ...['sender', 'resent-date', 'resent-from', 'resent-sender', 'resent-to', 'resent-cc', 'resent-message-id'],
  ...['list-id', 'list-help', 'list-post', 'list-archive', 'list-owner', 'list-subscribe'],
  // Receivers act on these only where a signature covers them (RFC 8058 section 4).
  ...['list-unsubscribe', 'list-unsubscribe-post', 'feedback-id', 'auto-submitted'],
  ...['content-disposition', 'content-id', 'content-description', 'content-language'],
]
const names: ReadonlySet<string> = new Set([...oversigned, ...signedIfThere])

export type CoveredHeader = {
  /** For h=, in the order in which they are hashed. */
  readonly names: readonly string[]
  /** One character for each octet. */
  readonly hashed: string
}

/** `header` is the block in one character for each octet, with or without its final blank line. */
export function coveredHeader(header: string): CoveredHeader {
  const fields = fieldsByName(header)
  const covered = (name: string): readonly string[] => fields.get(name) ?? []
  return {
    names: [
      ...oversigned.flatMap((name) => [...covered(name).map(() => name), name]),
      ...signedIfThere.flatMap((name) => covered(name).map(() => name)),
    ],
    hashed: [...oversigned, ...signedIfThere].flatMap((name) => covered(name)).join(''),
  }
}

/** In relaxed form, of each name the last one first (RFC 6376 section 5.4.2). */
function fieldsByName(header: string): ReadonlyMap<string, readonly string[]> {
  const fields = new Map<string, string[]>()
  for (let start = 0; start < header.length; ) {
    const end = endOfField(header, start)
    if (end <= start) break
    const colon = header.indexOf(':', start)
    const name = header.slice(start, colon).toLowerCase()
    if (names.has(name)) {
      const field = `${relaxedField(name, header.slice(colon + 1, end))}\r\n`
      const others = fields.get(name)
      if (others === undefined) fields.set(name, [field])
      else others.unshift(field)
    }
    start = end + 2
  }
  return fields
}

/** Without its CR LF. */
export const relaxedField = (name: string, value: string): string =>
  `${name.toLowerCase()}:${value
    .replaceAll('\r\n', '')
    .replaceAll(/[ \t]+/g, ' ')
    .replace(/^ /, '')
    .replace(/ $/, '')}`
