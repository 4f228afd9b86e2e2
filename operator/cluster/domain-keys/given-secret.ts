/**
 * A Secret that the owner of a domain has opened to the operator by a label. It is looked at by an empty merge patch with
 * dryRun, which is all that the admission policy lets through for it: it can be read, and not changed.
 */
import { type GivenSecret, givenLabel } from '../../lifecycle/provided-keys.ts'
import type { Api } from '../api/api.ts'
import { isNotFound } from '../api/api-error.ts'
import { type Place, resources } from '../api/resource.ts'
import { textsIn } from '../api/secret-data.ts'
import { isDeniedByPolicy } from '../write/look.ts'

/** @throws ApiError for trouble that passes, and where RBAC gives no right to look. */
export async function givenSecret(api: Api, at: Place, signal: AbortSignal): Promise<GivenSecret> {
  try {
    const secret = await api.merge(resources.secrets, at, {}, { signal, dryRun: true })
    // Where the admission policy is not installed, what was not opened goes no further than here.
    return secret.metadata.labels?.[givenLabel] === 'true' ? { is: 'there', data: textsIn(secret) } : { is: 'withheld' }
  } catch (error) {
    if (isNotFound(error)) return { is: 'absent' }
    if (isDeniedByPolicy(error)) return { is: 'withheld' }
    throw error
  }
}
