/** Every command that has a name in some RFC or some joke, and what becomes of it. */
import { textOf } from './line-text.ts'

export type Verb = {
  /** In upper case. */
  readonly name: string
  /** Absent: nobody knows it. */
  readonly fate: Fate | undefined
  readonly takesArgument: boolean
  /** Nothing of these is done for a client that has not said who it is. */
  readonly followsHello: boolean
}

/**
 * `refused` is answered 502: known, and never done. `foreign` ends the session: it begins something that is no SMTP, and what
 * follows it was never meant to be commands. What stands in no list is answered 500.
 */
type Fate = 'done' | 'idle' | 'refused' | 'foreign'

const fates: readonly (readonly [name: string, Fate])[] = [
  ...['STARTTLS', 'AUTH', 'MAIL', 'RCPT', 'DATA', 'QUIT'].map((verb) => [verb, 'done'] as const),
  // Done, and counted: who only sends these wants our time.
  ...['EHLO', 'HELO', 'RSET', 'NOOP', 'VRFY', 'HELP'].map((verb) => [verb, 'idle'] as const),
  ...['EXPN', 'TURN', 'ETRN', 'ATRN', 'BDAT', 'SEND', 'SOML', 'SAML'].map((verb) => [verb, 'refused'] as const),
  ...['XCLIENT', 'XFORWARD', 'WIZ', 'SHELL', 'KILL', 'DEBUG'].map((verb) => [verb, 'refused'] as const),
  ...['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'PRI'].map((verb) => [verb, 'foreign'] as const),
  ...['CONNECT', 'OPTIONS', 'TRACE', 'PROXY'].map((verb) => [verb, 'foreign'] as const),
]

/** RFC 5321 section 4.1.1, and RFC 3207 section 4 for STARTTLS; NOOP and HELP may have one. */
const withoutArgument: readonly string[] = ['STARTTLS', 'RSET', 'DATA', 'QUIT']
const behindHello: readonly string[] = ['AUTH', 'MAIL', 'RCPT', 'DATA']

// All that is asked of a command, found once.
const verbs: ReadonlyMap<string, Verb> = new Map(
  fates.map(([name, fate]) => {
    const takesArgument = !withoutArgument.includes(name)
    return [name, { name, fate, takesArgument, followsHello: behindHello.includes(name) }]
  }),
)

// A command has no colon before its first space. A header field has, and is here if its sender does not know that DATA was refused.
const headerField = /^[!-9;-~]+:/

const unknown = (name: string): Verb => ({
  name,
  fate: headerField.test(name) ? 'foreign' : undefined,
  takesArgument: true,
  followsHello: false,
})

/** No letter of Latin-1 beyond ASCII has a capital that is one of a command. */
export function verbOf(line: string): Verb {
  let end = 0
  while (end < line.length && line[end] !== ' ' && line[end] !== '\t') end++
  const name = line.slice(0, end).toUpperCase()
  return verbs.get(name) ?? unknown(name)
}

export const hasArgument = (line: string): boolean => /[ \t]/.test(textOf(line).trim())
