/** The configuration that a fleet's relays were last given, read with the rights of a person. */
import { parseConfig, type RelayConfig } from '../../../relay/config.ts'
import { type Name, splitName } from '../../compile/snapshot.ts'
import { configText } from '../../manifests/config-secrets.ts'
import { configSecretNames } from '../../manifests/names.ts'
import type { Api } from '../api/api.ts'
import { isForbidden, isNotFound } from '../api/api-error.ts'
import type { KubeObject } from '../api/object.ts'
import { resources } from '../api/resource.ts'

/**
 * Undefined where there is none, where it may not be read, and at the moment when it is being written.
 * @throws ApiError
 */
export async function runningOnce(api: Api, fleet: Name, signal: AbortSignal): Promise<RelayConfig | undefined> {
  const { namespace, name } = splitName(fleet)
  const read = (secret: string): Promise<KubeObject | undefined> =>
    api.get(resources.secrets, { namespace, name: secret }, { signal }).catch((error: unknown) => {
      if (isNotFound(error) || isForbidden(error)) return undefined
      throw error
    })
  const secrets = (await Promise.all(configSecretNames(name).map(read))).filter((s) => s !== undefined)
  try {
    return parseConfig(configText(secrets as readonly { data?: Record<string, string> }[]))
  } catch {
    return undefined
  }
}
