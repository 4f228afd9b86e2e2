/**
 * The private keys that a fleet's relays sign with: fetched when they are first needed, and kept while the configuration
 * names them.
 */
import type { RelayConfig } from '../../../relay/config.ts'
import type { Name } from '../../compile/snapshot.ts'
import { type KeyFiles, signingSecret, signingSecretOf } from '../../manifests/signing-secrets.ts'
import { base64, dataOf } from '../api/secret-data.ts'
import type { Applied, Writing } from '../write/apply.ts'
import { removeSecret, writeSecret } from './config-writing.ts'
import type { FleetSecrets } from './fleet-secrets.ts'

/** The PEM of a file; undefined where it is not at hand. */
export type PemOf = (senderDomain: Name, keyFile: string, signal: AbortSignal) => Promise<string | undefined>

type Needed = { readonly senderDomain: Name; readonly keyFile: string }

const needed = ({ signing = [] }: Pick<RelayConfig, 'signing'>): readonly Needed[] =>
  signing.flatMap(({ senderDomain, keys }) =>
    keys.map(({ keyFile }) => ({ senderDomain: senderDomain as Name, keyFile })),
  )

type Hands = { readonly secrets: FleetSecrets; readonly writing: Writing; readonly pemOf: PemOf }

/**
 * Adds the keys that `config` names to those that are there. A key that is not at hand is left out, and its selector does not
 * sign.
 */
export async function bringKeys(config: RelayConfig, hands: Hands): Promise<readonly Applied[]> {
  const { secrets, writing } = hands
  const byName = Map.groupBy(needed(config), ({ keyFile }) => signingSecretOf(secrets.fleet, keyFile))
  const applied: Applied[] = []
  for (const [name, inIt] of byName) {
    // Nobody has looked at it yet, since Secrets are not watched.
    if (!secrets.isSeen(name)) await secrets.lookAtOne(name, writing.api, writing.signal)
    const before = filesIn(secrets, name)
    const missing = inIt.filter(({ keyFile }) => before[keyFile] === undefined)
    const fetched = await fetchedKeys(missing, hands)
    if (Object.keys(fetched).length > 0) applied.push(await write(name, { ...before, ...fetched }, hands))
  }
  return applied
}

/** Removes the keys that `config` does not name, so that no relay gets them any more. */
export async function clearKeys(config: RelayConfig, hands: Hands): Promise<readonly Applied[]> {
  const { secrets, writing } = hands
  const named = new Set(needed(config).map(({ keyFile }) => keyFile))
  const applied: Applied[] = []
  for (const name of secrets.signingNames) {
    const before = filesIn(secrets, name)
    const kept = Object.fromEntries(Object.entries(before).filter(([file]) => named.has(file)))
    const [has, keeps] = [Object.keys(before).length, Object.keys(kept).length]
    if (keeps === has) continue
    if (keeps > 0) applied.push(await write(name, kept, hands))
    else await removeSecret(secrets, name, writing)
  }
  return applied
}

function filesIn(secrets: FleetSecrets, name: string): KeyFiles {
  const object = secrets.ours(name)
  return object === undefined ? {} : dataOf(object)
}

async function fetchedKeys(keys: readonly Needed[], { pemOf, writing }: Hands): Promise<KeyFiles> {
  const found: Record<string, string> = {}
  for (const { senderDomain, keyFile } of keys) {
    const pem = await pemOf(senderDomain, keyFile, writing.signal)
    if (pem !== undefined) found[keyFile] = base64(pem)
  }
  return found
}

const write = (name: string, data: KeyFiles, { secrets, writing }: Hands): Promise<Applied> =>
  writeSecret(secrets, signingSecret(secrets.fleet, name, data), writing)
