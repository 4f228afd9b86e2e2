/** The configuration of a relay with a credential for each of several tenants, all with one password, who send as corp.test. */
import { type RelayConfig, verifierOf } from '../../relay/config.ts'
import { loadConfig } from './relay-process.ts'

export const password = 'a-password-of-a-tenant'

type Way = { readonly listenPort: number; readonly smarthostPort: number; readonly names: readonly string[] }

export function tenantsConfig({ listenPort, smarthostPort, names }: Way): RelayConfig {
  const asked = loadConfig({ listenPort, smarthostPort, maxConnections: 20 })
  const [credential] = asked.credentials
  if (credential === undefined) throw new Error('there is no credential to copy')
  const keys = [{ id: 'first', verifier: verifierOf(password) }]
  return {
    ...asked,
    // The default of a policy.
    limits: { ...asked.limits, connectionsPerClient: 50 },
    credentials: names.map((name) => ({ ...credential, name, username: name, keys })),
  }
}
