/** Binding Secrets on disk: a folder with a file for each key, the layout of Service Binding. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { bindingEntries, isPassword, keyOf } from '../binding-secret.ts'
import type { Binding } from '../compile/compiled.ts'
import type { BindingKeys } from '../compile/snapshot.ts'
import { keptText, replaceFile, textOf } from './files.ts'

/** The entries of a binding, as an application finds them. */
export type BindingSecret = {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly password: string
  readonly uri: string
  /** The authority to trust; absent where the listener's certificate is publicly trusted. */
  readonly certificates?: string
}

export type BindingPlace = Omit<BindingSecret, 'password'> & Partial<Pick<BindingSecret, 'password'>>

/** Writes the Secret, or repairs what is missing or outdated in it. `folder` is the Secret's own. */
export function writeBindingSecret(folder: string, binding: Binding, password: string, authority: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (const [key, value] of Object.entries(bindingEntries(binding, password, authority))) {
    if (value === undefined) rmSync(join(folder, key), { force: true })
    else replaceFile(join(folder, key), value, key === 'password' ? 'durable' : 'derived')
  }
}

/**
 * The password in a Secret's folder; undefined where there is none, or no text that we could have made. @throws Error where the
 * file can not be read.
 */
export const passwordIn = (folder: string): string | undefined => password(keptText(join(folder, 'password')))

/** Whose Secret it is; undefined where that can not be told. */
export const usernameIn = (folder: string): string | undefined => textOf(join(folder, 'username'))

const password = (text: string | undefined): string | undefined => (isPassword(text) ? text : undefined)

/** What compile may know of a binding Secret: the username, and the verifier of the password. */
export function readBindingKeys(folder: string): BindingKeys | undefined {
  const username = usernameIn(folder)
  const held = password(textOf(join(folder, 'password')))
  return username === undefined || held === undefined ? undefined : { username, keys: [keyOf(held)] }
}

/** The whole Secret, for a client that submits with its password; undefined where it does not exist or is incomplete. */
export function readBindingSecret(folder: string): BindingSecret | undefined {
  const { password, ...rest } = readBinding(folder) ?? {}
  return password === undefined ? undefined : ({ ...rest, password } as BindingSecret)
}

/** The same for a client that may log in without a password; undefined where host, port, username or uri is missing. */
export function readBinding(folder: string): BindingPlace | undefined {
  const read = (key: string): string | undefined => textOf(join(folder, key)) || undefined
  const [host, port, username, uri] = ['host', 'port', 'username', 'uri'].map(read)
  if (!host || !port || !username || !uri) return undefined
  const [password, certificates] = [read('password'), read('certificates')]
  return {
    ...{ host, port: Number(port), username, uri },
    ...(password !== undefined && { password }),
    ...(certificates !== undefined && { certificates }),
  }
}
