/**
 * The credentials that all relays which take mail know, while their fleet has something newer to load. Where thousands of
 * credentials are made one after the other, relays never have the newest configuration; each one is programmed when they know
 * it, and need not wait for the last.
 */
import type { CredentialConfig, RelayConfig } from '../../../relay/config.ts'
import { type FleetEvidence, serving } from './fleet-evidence.ts'

/** The compiled objects themselves: an entry that is the same in two configurations is the same object. */
export type KnownEntries = ReadonlySet<CredentialConfig>

const none: KnownEntries = new Set()

type Memory = { readonly hashes: string; readonly is: KnownEntries }

/** `configOf` finds one of the last configurations by its hash. `before` is what this returned last for the same fleet. */
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
