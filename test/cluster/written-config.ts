/** Reads the configuration of a fleet's relays in its Secret. */
import { parseConfig, type RelayConfig } from '../../relay/config.ts'
import { joinText } from '../../relay/config-text.ts'
import type { Api, KubeObject } from './api.ts'

/** Undefined if there is no Secret yet; only for a configuration that fits into one Secret. */
export async function writtenConfig(api: Api, namespace: string, fleet: string): Promise<RelayConfig | undefined> {
  const answer = await api.get(`/api/v1/namespaces/${namespace}/secrets/${fleet}-relay-config-0`)
  const data = (answer.body as KubeObject)['data'] as Readonly<Record<string, string>> | undefined
  if (answer.status !== 200 || data === undefined) return undefined
  return parseConfig(joinText(Object.keys(data), (name) => Buffer.from(data[name] ?? '', 'base64')))
}
