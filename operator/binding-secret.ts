/** What is in a binding Secret, in both modes: the keys of Service Binding, and the password that nobody else keeps. */
import { randomBytes } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { verifierOf } from '../relay/config.ts'
import type { Binding, Door } from './compile/compiled.ts'
import type { InSecret } from './lifecycle/rotate.ts'

/** 256 random bits, but for a first hyphen, which a command line takes for an option: the reason why their verifier needs no slow hash. */
export function newPassword(): string {
  const password = randomBytes(32).toString('base64url')
  return password.startsWith('-') ? newPassword() : password
}

export const isPassword = (text: string | undefined): text is string => text !== undefined && /^[\w-]{43}$/.test(text)

/** Each key and its text; undefined: the Secret has no such key. `authority`: the PEM of all that clients should trust. */
export function bindingEntries(
  binding: Binding,
  password: string,
  authority: string,
): Readonly<Record<string, string | undefined>> {
  const login = `${encodeURIComponent(binding.username)}:${encodeURIComponent(password)}`
  return { ...doorEntries(binding, login, authority), password }
}

/** What is in a binding whose application brings its own proof: no key of it is a secret. */
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

/** What anybody may know of a password. */
export function keyOf(password: string): Pick<InSecret, 'id' | 'verifier'> {
  const verifier = verifierOf(password)
  return { id: verifier.slice('sha256:'.length, 'sha256:'.length + 8), verifier }
}
