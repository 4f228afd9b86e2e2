/**
 * Looks at one object by its name. A Secret is looked at by an empty change that is only tried: so RBAC need give no right
 * to read Secrets, and of those that are not ours the admission policy answers that they are there, and nothing else.
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
    // Where no admission policy answers, the values of somebody else's Secret go no further than here.
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
 * RBAC refuses before anybody knows whether the object is there; the chart's admission policy afterwards, and names the
 * label. What another policy refuses is nobody's in particular: it may be ours, with keys that are in use.
 */
export const isDeniedByPolicy = (error: unknown): boolean =>
  error instanceof ApiError &&
  error.code === 403 &&
  error.message.includes('ValidatingAdmissionPolicy') &&
  error.message.includes(ourRule)
