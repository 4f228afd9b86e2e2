/** The issuer of tokens in a fleet's configuration: its relays judge tokens without asking anybody. */
import type { CredentialConfig, RelayConfig } from '../../relay/config.ts'
import type { Snapshot } from './snapshot.ts'

/** A token that was made for anybody else, the API server among them, is none for a relay. */
const audience = 'relayfleet'

/**
 * Nothing where no credential of the fleet asks for a token. While the issuer can not be asked, what its relays know of it
 * already stays: the keys are not the operator's to take away.
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
