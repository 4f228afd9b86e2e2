/** Everything that one smarthost's connections need, read from the configuration in force and its files. */
import type { LoadedConfig, SmarthostConfig } from '../config.ts'
import type { Login } from './auth.ts'

export type Target = {
  readonly smarthost: SmarthostConfig
  /** Our name in EHLO. */
  readonly helloName: string
  /** PEM; absent: the default roots. */
  readonly roots?: string
  readonly login?: Login
  /** A file that the configuration names and that is not there: no connection is opened without it. */
  readonly missing?: string
}

/** A Secret's value; the newline that an editor leaves at its end is no part of it. */
const value = (file: string | undefined): string | undefined => file?.replace(/\r?\n$/, '')

export function targetOf(loaded: LoadedConfig, smarthost: SmarthostConfig): Target {
  const { caFile } = smarthost.tls
  const { usernameFile, passwordFile } = smarthost.auth ?? {}
  const read = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : loaded.files.get(path)
  const missing = [caFile, usernameFile, passwordFile].find((path) => path !== undefined && !loaded.files.has(path))
  const [roots, username, password] = [read(caFile), value(read(usernameFile)), value(read(passwordFile))]
  return {
    smarthost,
    helloName: loaded.config.hostname,
    ...(roots !== undefined && { roots }),
    ...(username !== undefined && password !== undefined && { login: { username, password } }),
    ...(missing !== undefined && { missing }),
  }
}

/** Two targets are the same way out: connections and health of the one serve the other. */
export const sameWay = (a: Target, b: Target): boolean => wayOf(a) === wayOf(b)

function wayOf({ smarthost: { host, port, tls, auth }, ...rest }: Target): string {
  return JSON.stringify([host, port, tls, auth, rest])
}
