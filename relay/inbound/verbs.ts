/** Every command that some RFC, some server or some other protocol knows, and what becomes of it here. */
import { textOf } from './line-text.ts'

export type Verb = {
  /** In upper case. */
  readonly name: string
  /** Undefined: no such command is known anywhere; the reply is 500. */
  readonly fate: Fate | undefined
  readonly takesArgument: boolean
  /** It is refused (503) before EHLO or HELO. Not AUTH: what came with that in clear has to be told, too (`authOutOfPlace`). */
  readonly followsHello: boolean
}

/**
 * `done` is carried out. `idle` is carried out too, and counted, since it does nothing for mail. `refused` is a command that we know
 * and never do: 502. `foreign` is no SMTP (HTTP, a PROXY header): it ends the session, since what follows is no command either.
 */
type Fate = 'done' | 'idle' | 'refused' | 'foreign'

const fates: readonly (readonly [name: string, Fate])[] = [
  ...['STARTTLS', 'AUTH', 'MAIL', 'RCPT', 'DATA', 'QUIT'].map((verb) => [verb, 'done'] as const),
  // A client that sends nothing but these only takes our time, so a session may have so many of them (`idleCommandsPerSession`).
  ...['EHLO', 'HELO', 'RSET', 'NOOP', 'VRFY', 'HELP'].map((verb) => [verb, 'idle'] as const),
  ...['EXPN', 'TURN', 'ETRN', 'ATRN', 'BDAT', 'SEND', 'SOML', 'SAML'].map((verb) => [verb, 'refused'] as const),
  ...['XCLIENT', 'XFORWARD', 'WIZ', 'SHELL', 'KILL', 'DEBUG'].map((verb) => [verb, 'refused'] as const),
  ...['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'PRI'].map((verb) => [verb, 'foreign'] as const),
  ...['CONNECT', 'OPTIONS', 'TRACE', 'PROXY'].map((verb) => [verb, 'foreign'] as const),
]

/** Commands that take no argument: RFC 5321 section 4.1.1, and RFC 3207 section 4 for STARTTLS. NOOP and HELP may have one. */
const withoutArgument: readonly string[] = ['STARTTLS', 'RSET', 'DATA', 'QUIT']
const behindHello: readonly string[] = ['MAIL', 'RCPT', 'DATA']

// Made once, so that a command costs one look-up.
const verbs: ReadonlyMap<string, Verb> = new Map(
  fates.map(([name, fate]) => {
    const takesArgument = !withoutArgument.includes(name)
    return [name, { name, fate, takesArgument, followsHello: behindHello.includes(name) }]
  }),
)

// No command has a colon before its first space, and header fields have: these are the message of a client that did not wait for the
// reply to DATA.
const headerField = /^[!-9;-~]+:/

const unknown = (name: string): Verb => ({
  name,
  fate: headerField.test(name) ? 'foreign' : undefined,
  takesArgument: true,
  followsHello: false,
})

/** The command that a line (one character for each octet) begins with. toUpperCase makes no ASCII letter of any other in Latin-1. */
export function verbOf(line: string): Verb {
  let end = 0
  while (end < line.length && line[end] !== ' ' && line[end] !== '\t') end++
  const name = line.slice(0, end).toUpperCase()
  return verbs.get(name) ?? unknown(name)
}

export const hasArgument = (line: string): boolean => /[ \t]/.test(textOf(line).trim())
