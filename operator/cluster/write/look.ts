/**
 * Looks at one object by its name. A Secret is looked at by an empty merge patch with dryRun, so that RBAC need give no right
 * to read Secrets; for a Secret that is not ours, the admission policy answers only that it is there.
 */

import type { Api } from '../api/api.ts'
import { ApiError, isNotFound } from '../api/api-error.ts'
import type { KubeObject } from '../api/object.ts'
import { type Place, type Resource, resources } from '../api/resource.ts'
import { managedByLabel, operatorName } from './ownership.ts'

export type Seen =
  | { readonly is: 'absent' }
  /** Somebody else's Secret is there; nothing of it is known. */
  | { readonly is: 'foreign' }
  | { readonly is: 'there'; readonly object: KubeObject }

/** @throws ApiError for trouble that passes, and where RBAC gives no right to look. */
export async function look(api: Api, resource: Resource, at: Place, signal: AbortSignal): Promise<Seen> {
  try {
    if (resource !== resources.secrets) return { is: 'there', object: await api.get(resource, at, { signal }) }
    const object = await api.merge(resource, at, {}, { signal, dryRun: true })
    // Where the admission policy is not installed, the values of somebody else's Secret arrive, and go no further than here.
    const isOurs = object.metadata.labels?.[managedByLabel] === operatorName
    return isOurs ? { is: 'there', object } : { is: 'foreign' }
  } catch (error) {
    if (isNotFound(error)) return { is: 'absent' }
    if (isDeniedByPolicy(error)) return { is: 'foreign' }
    throw error
  }
}

const ourRule = `${managedByLabel}=${operatorName}`

/**
 * Whether the chart's admission policy refused, which names our label: then the object is there, and is not ours. RBAC
 * refuses before the object is looked for; and what another policy refuses may be ours, with keys that are in use.
 */
export const isDeniedByPolicy = (error: unknown): boolean =>
  error instanceof ApiError &&
  error.code === 403 &&
  error.message.includes('ValidatingAdmissionPolicy') &&
  error.message.includes(ourRule)
