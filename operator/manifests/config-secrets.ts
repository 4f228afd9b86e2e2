/** The Secrets that hold a fleet's configuration: verifiers and names of files, no password. */
import { configHash, printConfig, type RelayConfig } from '../../relay/config.ts'
import { joinText, splitText } from '../../relay/config-text.ts'
import { type Name, splitName } from '../compile/snapshot.ts'
import { metadataOf } from './labels.ts'
import type { Manifest } from './manifest.ts'
import { configSecretNames } from './names.ts'

/** On the Secret with which a configuration is there: its hash. The parts of a large one stay as they are while it changes elsewhere. */
export const hashAnnotation = 'relayfleet.dev/config-hash'

/** A Secret holds 1 MiB, of which its keys and annotations take a little; a few names stay free for what changes. */
const bounds = { maxBytes: 1_000_000, mostParts: 8 }

type Data = Readonly<Record<string, string>>

/** More than all Secrets of a fleet hold. */
export class TooLarge extends Error {}

/**
 * As many as it takes, the last one with the hash; those of the fleet that are not among them have to go.
 * @throws TooLarge when it is more than all of them hold
 */
export function configSecrets(fleet: Name, config: RelayConfig): readonly Manifest[] {
  const text = printConfig(config)
  const names = configSecretNames(splitName(fleet).name)
  const parts = [...splitText(text, bounds)]
  const hash = configHash(text)
  if (parts.length > names.length) {
    throw new TooLarge(
      `the configuration of ${fleet} has ${text.length} characters, and ${names.length} Secrets hold it no longer; ` +
        'spread its credentials over two policies',
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
 * The configuration's text that a fleet's Secrets hold, in any order.
 * @throws Error when they are not all of one configuration: a write was interrupted
 */
export function configText(secrets: readonly { readonly data?: Data }[]): string {
  const data: Data = Object.assign({}, ...secrets.map((s) => s.data ?? {}))
  return joinText(Object.keys(data), (name) => Buffer.from(data[name] ?? '', 'base64'))
}
