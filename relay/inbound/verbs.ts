/** Every command that has a name in some RFC or some joke, and what becomes of it. */
import { textOf } from './line-text.ts'

/**
 * `refused` is answered 502: known, and never done. `foreign` ends the session: it begins something that is no SMTP, and what
 * follows it was never meant to be commands. What stands in no list is answered 500.
 */
type Fate = 'done' | 'idle' | 'refused' | 'foreign'

const fates = new Map<string, Fate>([
  ...['STARTTLS', 'AUTH', 'MAIL', 'RCPT', 'DATA', 'QUIT'].map((verb) => [verb, 'done'] as const),
  // Done, and counted: who only sends these wants our time.
  ...['EHLO', 'HELO', 'RSET', 'NOOP', 'VRFY', 'HELP'].map((verb) => [verb, 'idle'] as const),
  ...['EXPN', 'TURN', 'ETRN', 'ATRN', 'BDAT', 'SEND', 'SOML', 'SAML'].map((verb) => [verb, 'refused'] as const),
  ...['XCLIENT', 'XFORWARD', 'WIZ', 'SHELL', 'KILL', 'DEBUG'].map((verb) => [verb, 'refused'] as const),
  ...['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'PRI'].map((verb) => [verb, 'foreign'] as const),
  ...['CONNECT', 'OPTIONS', 'TRACE', 'PROXY'].map((verb) => [verb, 'foreign'] as const),
])

// A command has no colon before its first space. A header field has, and is here if its sender does not know that DATA was refused.
const headerField = /^[!-9;-~]+:/

/** RFC 5321 section 4.1.1, and RFC 3207 section 4 for STARTTLS; NOOP and HELP may have one. */
const withoutArgument: ReadonlySet<string> = new Set(['STARTTLS', 'RSET', 'DATA', 'QUIT'])

export const takesArgument = (verb: string): boolean => !withoutArgument.has(verb)

/** Nothing of these is done for a client that has not said who it is. */
const behindHello: ReadonlySet<string> = new Set(['AUTH', 'MAIL', 'RCPT', 'DATA'])

export const followsHello = (verb: string): boolean => behindHello.has(verb)

export const fateOf = (verb: string): Fate | undefined =>
  fates.get(verb) ?? (headerField.test(verb) ? 'foreign' : undefined)

/** No letter of Latin-1 beyond ASCII has a capital that is one of a command. */
export function verbOf(line: string): string {
  const end = line.search(/[ \t]/)
  return (end === -1 ? line : line.slice(0, end)).toUpperCase()
}

export const hasArgument = (line: string): boolean => /[ \t]/.test(textOf(line).trim())
