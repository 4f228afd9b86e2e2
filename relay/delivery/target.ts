/** Everything that the connections to one smarthost or exchanger need, from the configuration in force, its files, or DNS. */
import type { LookupAddress } from 'node:dns'
import { type LoadedConfig, type SmarthostConfig, secretIn } from '../config.ts'
import type { Login } from './auth.ts'
import type { Exchanger } from './exchangers.ts'

export type Target = {
  readonly smarthost: SmarthostConfig
  /** Our name in EHLO. */
  readonly helloName: string
  /** PEM; absent: the default roots. */
  readonly roots?: string
  readonly login?: Login
  /** A file that the configuration names and that is not there: no connection is opened without it. */
  readonly missing?: string
  /** Of an exchanger: the addresses that were judged. Its name is not looked up again, since that could lead elsewhere. */
  readonly addresses?: readonly LookupAddress[]
}

export function targetOf(loaded: LoadedConfig, smarthost: SmarthostConfig): Target {
  const { caFile } = smarthost.tls
  const { usernameFile, passwordFile } = smarthost.auth ?? {}
  const missing = [caFile, usernameFile, passwordFile].find((path) => path !== undefined && !loaded.files.has(path))
  const roots = caFile === undefined ? undefined : loaded.files.get(caFile)
  const [username, password] = [secretIn(loaded, usernameFile), secretIn(loaded, passwordFile)]
  return {
    smarthost,
    helloName: loaded.config.hostname,
    ...(roots !== undefined && { roots }),
    ...(username !== undefined && password !== undefined && { login: { username, password } }),
    ...(missing !== undefined && { missing }),
  }
}

/**
 * TLS where it is offered, whosever certificate it is (RFC 7435), and never a password. Domains share it: how many connections
 * there are is bounded for each of them, and for the route, and which exchanger comes first is for the domain to say.
 */
export const exchangerTarget = (
  { host, addresses }: Exchanger,
  rest: { readonly helloName: string; readonly port: number },
): Target => ({
  smarthost: {
    name: host,
    host,
    port: rest.port,
    tls: { mode: 'Opportunistic' },
    priority: 0,
    maxConnections: Number.POSITIVE_INFINITY,
  },
  helloName: rest.helloName,
  addresses,
})

/**
 * Equal for targets that are the same way out: connections and health of the one serve the other. It holds secrets: it is compared,
 * and not kept.
 */
export function wayOf({ smarthost: { host, port, tls, auth }, ...rest }: Target): string {
  return JSON.stringify([host, port, tls, auth, rest])
}
