/** Binding Secrets on disk, a file for each key as Service Binding lays them out; made once, and kept. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { bindingEntries, isPassword, keyOf } from '../binding-secret.ts'
import type { Binding } from '../compile/compiled.ts'
import type { BindingKeys } from '../compile/snapshot.ts'
import { keptText, replaceFile, textOf } from './files.ts'

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

export type BindingPlace = Omit<BindingSecret, 'password'> & Partial<Pick<BindingSecret, 'password'>>

/** Makes the Secret, or repairs what is missing or outdated. */
export function writeBindingSecret(folder: string, binding: Binding, password: string, authority: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (const [key, value] of Object.entries(bindingEntries(binding, password, authority))) {
    if (value === undefined) rmSync(join(folder, key), { force: true })
    else replaceFile(join(folder, key), value, key === 'password' ? 'durable' : 'derived')
  }
}

/** Undefined where there is none, or something that was never one. @throws Error where it can not be read */
export const passwordIn = (folder: string): string | undefined => password(keptText(join(folder, 'password')))

const password = (text: string | undefined): string | undefined => (isPassword(text) ? text : undefined)

/** What compile may know of a binding Secret: the username, and the verifier of the password. */
export function readBindingKeys(folder: string): BindingKeys | undefined {
  const username = textOf(join(folder, 'username'))
  const held = password(textOf(join(folder, 'password')))
  return username === undefined || held === undefined ? undefined : { username, keys: [keyOf(held)] }
}

/** The whole Secret, for a client that submits with it; undefined where it is not there or not complete. */
export function readBindingSecret(folder: string): BindingSecret | undefined {
  const { password, ...rest } = readBinding(folder) ?? {}
  return password === undefined ? undefined : ({ ...rest, password } as BindingSecret)
}

/** Where to submit, for a client that may have something else than a password; undefined where it is not complete. */
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
