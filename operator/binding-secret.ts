/**
 * The entries of a binding Secret (Service Binding), in both modes. No other place holds the password: elsewhere only its
 * verifier is kept.
 */
import { randomBytes } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { verifierOf } from '../relay/config.ts'
import type { Binding, Door } from './compile/compiled.ts'
import type { InSecret } from './lifecycle/rotate.ts'

/**
 * 256 random bits in base64url: too many to guess, so that the verifier needs no slow hash. One that begins with a hyphen is
 * replaced, because a command line would take it for an option.
 */
export function newPassword(): string {
  const password = randomBytes(32).toString('base64url')
  return password.startsWith('-') ? newPassword() : password
}

export const isPassword = (text: string | undefined): text is string => text !== undefined && /^[\w-]{43}$/.test(text)

/**
 * The text of each key; undefined where the Secret must not have that key. `authority`: the PEM of every authority that clients
 * should trust.
 */
export function bindingEntries(
  binding: Binding,
  password: string,
  authority: string,
): Readonly<Record<string, string | undefined>> {
  const login = `${encodeURIComponent(binding.username)}:${encodeURIComponent(password)}`
  return { ...doorEntries(binding, login, authority), password }
}

/**
 * The same for an application that logs in with a token or a certificate of its own: there is no password, and nothing secret in
 * it.
 */
export const guideEntries = (door: Door, authority: string): Readonly<Record<string, string | undefined>> =>
  doorEntries(door, encodeURIComponent(door.username), authority)

function doorEntries(door: Door, login: string, authority: string) {
  const host = isIPv6(door.host) ? `[${door.host}]` : door.host
  return {
    type: 'smtp',
    provider: 'relayfleet',
    host: door.host,
    port: String(door.port),
    username: door.username,
    uri: `${door.scheme}://${login}@${host}:${door.port}`,
    certificates: door.issuedByOperator ? authority : undefined,
  }
}

/** The id and the verifier of a password, which may be public: statuses and relays have them. */
export function keyOf(password: string): Pick<InSecret, 'id' | 'verifier'> {
  const verifier = verifierOf(password)
  return { id: verifier.slice('sha256:'.length, 'sha256:'.length + 8), verifier }
}
