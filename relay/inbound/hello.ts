/** EHLO and HELO: who the client says it is, and what it may use on this session (RFC 5321 section 4.1.1.1). Pure. */

import type { Refusal } from '../mail/rule.ts'
import { protocol } from './protocol.ts'
import type { Mechanism } from './sasl.ts'
import type { Session } from './session.ts'

/** The one host name or literal in an EHLO or HELO line. */
export function readHello(line: string): { readonly host: string } | { readonly refusal: Refusal } {
  const host = /^\S+ +(\S{1,255})[ \t]*$/.exec(line)?.[1]
  return host === undefined ? { refusal: protocol.helloArgument } : { host }
}

type Offer = {
  readonly hostname: string
  readonly messageBytes: number
  readonly mechanisms: readonly Mechanism[]
}

/**
 * The lines of the reply to EHLO, without codes: every command that is carried out and that not every server has stands there, HELP
 * too (RFC 5321 section 4.1.1.1). AUTH is offered under TLS only, so that no client sends a password in clear.
 */
export function helloLines(session: Session, offer: Offer): readonly string[] {
  const lines = [
    `${offer.hostname} at your service`,
    'PIPELINING',
    '8BITMIME',
    'SMTPUTF8',
    'DSN',
    'ENHANCEDSTATUSCODES',
    `SIZE ${offer.messageBytes}`,
    'HELP',
  ]
  if (session.tls === '') lines.push('STARTTLS')
  else if (!session.login) lines.push(`AUTH ${offer.mechanisms.join(' ')}`)
  return lines
}
