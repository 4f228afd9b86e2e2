/** The Secrets that hold a fleet's configuration. It has verifiers and names of files, but no password. */
import { configHash, printConfig, type RelayConfig } from '../../relay/config.ts'
import { joinText, splitText } from '../../relay/config-text.ts'
import { type Name, splitName } from '../compile/snapshot.ts'
import { metadataOf } from './labels.ts'
import type { Manifest } from './manifest.ts'
import { configSecretNames } from './names.ts'

/**
 * The hash of the whole configuration, on the Secret with its last part. The other parts of a large one need not
 * change with it.
 */
export const hashAnnotation = 'relayfleet.dev/config-hash'

/**
 * A Secret holds 1 MiB, a little of which its keys and annotations take. Of the twelve names, a few stay free for parts that
 * change.
 */
const bounds = { maxBytes: 1_000_000, mostParts: 8 }

type Data = Readonly<Record<string, string>>

/** The configuration does not fit into all Secrets of a fleet. */
export class TooLarge extends Error {}

/**
 * As many Secrets as the configuration needs; the last one carries the hash. The fleet's other configuration Secrets have to go.
 * @throws TooLarge when the configuration does not fit into all of them.
 */
export function configSecrets(fleet: Name, config: RelayConfig): readonly Manifest[] {
  const text = printConfig(config)
  const names = configSecretNames(splitName(fleet).name)
  const parts = [...splitText(text, bounds)]
  const hash = configHash(text)
  if (parts.length > names.length) {
    throw new TooLarge(
      `the configuration of ${fleet} has ${text.length} characters, and ${names.length} Secrets can not hold that; ` +
        'move some of its credentials to a second policy',
    )
  }
  return parts.map(([key, bytes], i) => {
    const metadata = metadataOf(fleet, names[i])
    const annotations = i === parts.length - 1 ? { annotations: { [hashAnnotation]: hash } } : {}
    const data: Data = { [key]: bytes.toString('base64') }
    return { apiVersion: 'v1', kind: 'Secret', metadata: { ...metadata, ...annotations }, type: 'Opaque', data }
  })
}

/**
 * Joins the text of the configuration from a fleet's Secrets, given in any order.
 * @throws Error when they are not parts of the same configuration, because a write was interrupted.
 */
export function configText(secrets: readonly { readonly data?: Data }[]): string {
  const data: Data = Object.assign({}, ...secrets.map((s) => s.data ?? {}))
  return joinText(Object.keys(data), (name) => Buffer.from(data[name] ?? '', 'base64'))
}
