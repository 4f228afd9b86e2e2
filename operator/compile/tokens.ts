/** The token issuer in a fleet's configuration, with whose public keys relays verify service account tokens by themselves. */
import type { CredentialConfig, RelayConfig } from '../../relay/config.ts'
import type { Snapshot } from './snapshot.ts'

/** The audience of a token for relays. A token with any other one, e.g. for the API server, must not be accepted. */
const audience = 'relayfleet'

/**
 * Empty where no credential of the fleet uses tokens. While the issuer can not be asked, what the relays know of it already
 * stays: only the issuer itself can withdraw its keys.
 */
export function tokensOf(
  credentials: readonly CredentialConfig[],
  issuer: Snapshot['tokenIssuer'],
  running: RelayConfig | undefined,
): Pick<RelayConfig, 'tokens'> {
  if (!credentials.some((c) => c.serviceAccounts !== undefined)) return {}
  if (issuer?.is === 'known') return { tokens: { issuer: issuer.issuer, audience, keys: issuer.keys } }
  return running?.tokens === undefined ? {} : { tokens: running.tokens }
}
