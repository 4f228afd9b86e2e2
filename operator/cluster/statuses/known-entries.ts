/**
 * What all relays that take mail know of credentials, while their fleet has something newer to load: with thousands coming
 * in, a configuration is never the newest for long, and nobody waits for the last of them.
 */
import type { CredentialConfig, RelayConfig } from '../../../relay/config.ts'
import { type FleetEvidence, serving } from './fleet-evidence.ts'

/** The very objects that were compiled: what is the same in two configurations is the same object. */
export type KnownEntries = ReadonlySet<CredentialConfig>

const none: KnownEntries = new Set()

type Memory = { readonly hashes: string; readonly is: KnownEntries }

/** `configOf`: by its hash, one of those that were written last. `before`: what this answered last, for that very fleet. */
export function knownEntries(
  evidence: Pick<FleetEvidence, 'pods'>,
  configOf: (hash: string) => RelayConfig | undefined,
  before: Memory | undefined,
): Memory {
  const reported = [...new Set(serving(evidence).map(({ report }) => report?.hash ?? ''))].toSorted()
  const hashes = reported.join()
  if (hashes === before?.hashes) return before
  const configs = reported.map((hash) => configOf(hash)?.credentials)
  const [first, ...others] = configs.filter((credentials) => credentials !== undefined)
  if (first === undefined || others.length + 1 < configs.length) return { hashes, is: none }
  const known = others.map((credentials) => new Set(credentials))
  return { hashes, is: new Set(first.filter((entry) => known.every((entries) => entries.has(entry)))) }
}
