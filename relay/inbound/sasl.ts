/** AUTH PLAIN (RFC 4616) and LOGIN as a state machine over lines (RFC 4954 section 4). Pure. */
import type { Refusal } from '../mail/rule.ts'
import { protocol } from './protocol.ts'

export type Mechanism = 'PLAIN' | 'LOGIN'

export type SaslStep =
  | { readonly kind: 'challenge'; readonly challenge: string; readonly next: (line: string) => SaslStep }
  | {
      readonly kind: 'credentials'
      readonly mechanism: Mechanism
      readonly username: string
      readonly password: string
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

const mechanisms: Readonly<Record<Mechanism, (initial: string | undefined) => SaslStep>> = {
  PLAIN: (initial) => (initial === undefined ? ask('', plain) : plain(initial)),
  LOGIN: (initial) => (initial === undefined ? ask('Username:', loginName) : loginName(initial)),
}

export const offeredMechanisms = Object.keys(mechanisms)

/** The mechanism that an AUTH line names, for metrics too: what is not offered is `other`. */
export function mechanismIn(line: string): Mechanism | 'other' {
  const named = line.trim().split(/ +/)[1]?.toUpperCase()
  return named === 'PLAIN' || named === 'LOGIN' ? named : 'other'
}

/** The first step, from the whole AUTH line. */
export function beginSasl(line: string): SaslStep {
  const mechanism = mechanismIn(line)
  if (mechanism === 'other') return refused(protocol.mechanism)
  const [, , initial, ...more] = line.trim().split(/ +/)
  return more.length > 0 ? refused(protocol.base64) : mechanisms[mechanism](initial)
}

const refused = (refusal: Refusal): SaslStep => ({ kind: 'refused', refusal })

const ask = (question: string, next: (line: string) => SaslStep): SaslStep => ({
  kind: 'challenge',
  challenge: Buffer.from(question).toString('base64'),
  next: (line) => (line === '*' ? refused(protocol.loginAborted) : next(line)),
})

/** `authzid NUL authcid NUL password`; acting for somebody else is not offered, so an authzid has to be the authcid. */
function plain(line: string): SaslStep {
  const [authzid, username, password, ...more] = decode(line)?.split('\0') ?? []
  if (username === undefined || password === undefined || more.length > 0) return refused(protocol.base64)
  return authzid === '' || authzid === username ? credentials('PLAIN', username, password) : refused(protocol.base64)
}

function loginName(line: string): SaslStep {
  const username = decode(line)
  return username === undefined || !usable(username) ? refused(protocol.base64) : ask('Password:', passwordOf(username))
}

const passwordOf =
  (username: string) =>
  (line: string): SaslStep => {
    const password = decode(line)
    return password === undefined ? refused(protocol.base64) : credentials('LOGIN', username, password)
  }

const credentials = (mechanism: Mechanism, username: string, password: string): SaslStep =>
  usable(username) ? { kind: 'credentials', mechanism, username, password } : refused(protocol.base64)

/** A username stands in log lines: no control characters. */
const usable = (username: string): boolean => username !== '' && !/[\0-\x1f\x7f-\x9f]/.test(username)

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const decode = (line: string): string | undefined =>
  base64.test(line) ? Buffer.from(line, 'base64').toString() : undefined
