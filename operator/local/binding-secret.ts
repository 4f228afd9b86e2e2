/** Binding Secrets on disk, a file for each key as Service Binding lays them out; made once, and kept. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { verifierOf } from '../../relay/config.ts'
import type { Binding } from '../compile/compiled.ts'
import type { BindingKeys } from '../compile/snapshot.ts'
import { replaceFile, textOf } from './files.ts'

/** What an application finds in its binding. */
export type BindingSecret = {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly password: string
  readonly uri: string
  /** The authority to trust; absent where the listener's certificate is publicly trusted. */
  readonly certificates?: string
}

/** 256 random bits: the reason why their verifier needs no slow hash. */
const newPassword = (): string => randomBytes(32).toString('base64url')
const isPassword = (text: string | undefined): text is string => text !== undefined && /^[\w-]{43}$/.test(text)

/** Makes the Secret, or repairs what is missing or outdated; the password stays. Returns whether the login changed. */
export function ensureBindingSecret(folder: string, binding: Binding, authority: string): boolean {
  const before = readBindingKeys(folder)
  const kept = textOf(join(folder, 'password'))
  const password = isPassword(kept) ? kept : newPassword()
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (const [key, value] of Object.entries(entries(binding, password, authority))) {
    if (value === undefined) rmSync(join(folder, key), { force: true })
    else replaceFile(join(folder, key), value, key === 'password' ? 'durable' : 'derived')
  }
  return before?.username !== binding.username || before.keys[0]?.verifier !== verifierOf(password)
}

function entries(binding: Binding, password: string, authority: string): Record<string, string | undefined> {
  const host = isIPv6(binding.host) ? `[${binding.host}]` : binding.host
  const login = `${encodeURIComponent(binding.username)}:${encodeURIComponent(password)}`
  return {
    type: 'smtp',
    provider: 'relayfleet',
    host: binding.host,
    port: String(binding.port),
    username: binding.username,
    password,
    uri: `${binding.scheme}://${login}@${host}:${binding.port}`,
    certificates: binding.issuedByOperator ? authority : undefined,
  }
}

/** What compile may know of a binding Secret: the username, and the verifier of the password. */
export function readBindingKeys(folder: string): BindingKeys | undefined {
  const username = textOf(join(folder, 'username'))
  const password = textOf(join(folder, 'password'))
  if (username === undefined || !isPassword(password)) return undefined
  const verifier = verifierOf(password)
  return { username, keys: [{ id: verifier.slice('sha256:'.length, 'sha256:'.length + 8), verifier }] }
}

/** The whole Secret, for a client that submits with it; undefined where it is not there or not complete. */
export function readBindingSecret(folder: string): BindingSecret | undefined {
  const read = (key: string): string | undefined => textOf(join(folder, key))
  const [host, port, username, password, uri] = ['host', 'port', 'username', 'password', 'uri'].map(read)
  if (!host || !port || !username || !password || !uri) return undefined
  const certificates = read('certificates')
  return { host, port: Number(port), username, password, uri, ...(certificates !== undefined && { certificates }) }
}
