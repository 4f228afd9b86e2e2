/**
 * One look at a Secret or ConfigMap that a policy names: whether it is there; and of what is not secret, the names of its
 * keys.
 */
import type { Reference } from '../../compile/compiled.ts'
import { type Keyed, type Name, splitName } from '../../compile/snapshot.ts'
import type { Api } from '../api/api.ts'
import { ApiError, isNotFound } from '../api/api-error.ts'
import type { KubeObject } from '../api/object.ts'
import { type Place, type Resource, resources } from '../api/resource.ts'
import { look, type Seen } from '../write/look.ts'

/**
 * Undefined: it is not there.
 * @throws ApiError for trouble that passes.
 */
export type Sight = (reference: Reference, signal: AbortSignal) => Promise<Keyed | undefined>

const resourceOf = { Secret: resources.secrets, ConfigMap: resources.configMaps } as const

export function splitReference(reference: Reference): { readonly kind: 'Secret' | 'ConfigMap'; readonly name: Name } {
  const [kind, name] = reference.split(' ') as ['Secret' | 'ConfigMap', Name]
  return { kind, name }
}

/** The look of the operator, which has no right to read Secrets. */
export const sightOf =
  (api: Api): Sight =>
  (reference, signal) =>
    sighted(reference, (resource, at) => look(api, resource, at, signal))

/** The look of a person, whose command is to change nothing: not even a dry run is sent. */
export const readingSightOf =
  (api: Api): Sight =>
  (reference, signal) =>
    sighted(reference, async (resource, at) => {
      const isSecret = resource === resources.secrets
      const object = await api.get(resource, at, { signal, metadataOnly: isSecret })
      return isSecret ? { is: 'foreign' } : { is: 'there', object }
    })

async function sighted(
  reference: Reference,
  seen: (resource: Resource, at: Place) => Promise<Seen>,
): Promise<Keyed | undefined> {
  const { kind, name } = splitReference(reference)
  try {
    const found = await seen(resourceOf[kind], splitName(name))
    if (found.is === 'absent') return undefined
    return found.is === 'foreign' ? {} : keyedOf(found.object)
  } catch (error) {
    if (isNotFound(error)) return undefined
    if (isSilent(error)) return {}
    throw error
  }
}

/**
 * Whether an error leaves open if the object is there: we may not look (403), or the empty change of the dry run was refused,
 * which happens only after the object was found. It then counts as there: the kubelet mounts it, and the relays tell what it
 * lacks.
 */
const isSilent = (error: unknown): boolean =>
  error instanceof ApiError &&
  error.trouble === 'refused' &&
  ([400, 403, 422].includes(error.code) || error.message.includes('failed calling webhook'))

function keyedOf({ type, data, binaryData }: KubeObject): Keyed {
  const keys = [data, binaryData].flatMap((part) => Object.keys(part ?? {})).toSorted()
  return { ...(typeof type === 'string' && { type }), keys }
}
