/** Mailboxes as SMTP writes them: one strict grammar (RFC 5321 section 4.1.2), no source routes, no address literals. */

export type Mailbox = {
  /** As written; the content of the quotes where it was quoted. */
  readonly localPart: string
  /** Lower-case A-label. */
  readonly domain: string
  /** `localPart@domain` exactly as the peer wrote it. */
  readonly address: string
}

/** The mailbox in the argument of MAIL FROM or RCPT TO, without its angle brackets; undefined where it is none. */
export function parsePath(text: string): Mailbox | undefined {
  const [, localPart, domain] = /^([A-Za-z0-9._+-]+)@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)$/.exec(text) ?? []
  if (localPart === undefined || domain === undefined) return undefined
  return { localPart, domain: domain.toLowerCase(), address: text }
}

export const sameDomain = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

/** True below `parent`, not for `parent` itself. */
export const isSubdomain = (domain: string, parent: string): boolean =>
  domain.toLowerCase().endsWith(`.${parent.toLowerCase()}`)
