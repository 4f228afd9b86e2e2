/** The configuration that a fleet's Secrets hold, as far as an operator wrote it. Pure. */
import { configHash, parseConfig, type RelayConfig } from '../../../relay/config.ts'
import { configText, hashAnnotation } from '../../manifests/config-secrets.ts'
import type { KubeObject } from '../api/object.ts'

export type KnownConfig =
  | { readonly is: 'absent' }
  | { readonly is: 'known'; readonly config: RelayConfig; readonly hash: string }
  /** There is something, and it is not one whole configuration: a write was interrupted, or somebody edited it. */
  | { readonly is: 'unknown'; readonly why: string }

export const dataOf = (secret: KubeObject): Readonly<Record<string, string>> =>
  (secret['data'] as Readonly<Record<string, string>> | undefined) ?? {}

export function knownConfig(secrets: readonly KubeObject[]): KnownConfig {
  if (secrets.length === 0) return { is: 'absent' }
  try {
    const text = configText(secrets.map((secret) => ({ data: dataOf(secret) })))
    const hash = configHash(text)
    if (!secrets.some(({ metadata }) => metadata.annotations?.[hashAnnotation] === hash)) {
      return { is: 'unknown', why: 'somebody edited it' }
    }
    return { is: 'known', config: parseConfig(text), hash }
  } catch (error) {
    return { is: 'unknown', why: (error as Error).message }
  }
}
