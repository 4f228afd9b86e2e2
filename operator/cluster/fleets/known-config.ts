/** The configuration that a fleet's Secrets hold, as far as an operator wrote it. Pure. */
import { configHash, parseConfig, type RelayConfig } from '../../../relay/config.ts'
import { configText, hashAnnotation } from '../../manifests/config-secrets.ts'
import type { KubeObject } from '../api/object.ts'
import { dataOf } from '../api/secret-data.ts'

export type KnownConfig =
  | { readonly is: 'absent' }
  | { readonly is: 'known'; readonly config: RelayConfig; readonly hash: string }
  /** There is something, and it is not one whole configuration: a write was interrupted, or somebody edited it. */
  | { readonly is: 'unknown'; readonly why: string }

type Parsed = Pick<Extract<KnownConfig, { is: 'known' }>, 'config' | 'hash'>

/**
 * The configuration in these Secrets. `parsed`: configurations that are in memory; where the hash is the same, that object is
 * returned, and nothing is parsed.
 */
export function knownConfig(secrets: readonly KubeObject[], parsed: readonly Parsed[] = []): KnownConfig {
  if (secrets.length === 0) return { is: 'absent' }
  try {
    const text = configText(secrets.map((secret) => ({ data: dataOf(secret) })))
    const hash = configHash(text)
    if (!secrets.some(({ metadata }) => metadata.annotations?.[hashAnnotation] === hash)) {
      return { is: 'unknown', why: 'somebody edited it' }
    }
    const config = parsed.find((known) => known.hash === hash)?.config ?? parseConfig(text)
    return { is: 'known', config, hash }
  } catch (error) {
    return { is: 'unknown', why: (error as Error).message }
  }
}
