/** Puts the finalizer on a RelayPolicy, which keeps it from its deletion until its mail is gone, and takes it off then. */
import { apiVersion } from '../../../crds/kinds.ts'
import { nameIn, splitName } from '../../compile/snapshot.ts'
import { isConflict, isNotFound, isTransient } from '../api/api-error.ts'
import { resourceOf } from '../api/resource.ts'
import type { DeclaredObject } from '../watch/declared.ts'
import { Deposed, type Writing } from '../write/apply.ts'
import { look } from '../write/look.ts'
import { isKept, withFinalizer, withoutFinalizer } from '../write/mail-finalizer.ts'

const policies = resourceOf({ apiVersion, kind: 'RelayPolicy' })

export type Kept =
  | 'as it should be'
  /** It is no longer what was heard of it. */
  | 'outdated'

/**
 * Puts the finalizer on.
 * @throws ApiError, also where the policy is being deleted, since the API server then takes no new finalizer; Deposed
 */
export const keep = (policy: DeclaredObject, writing: Writing): Promise<Kept> =>
  isKept(policy) ? Promise.resolve('as it should be') : write(policy, withFinalizer(policy), writing)

/**
 * Takes the finalizer off: the policy then goes, unless others keep it.
 * @throws ApiError; Deposed
 */
export async function letGo(policy: DeclaredObject, writing: Writing): Promise<Kept> {
  if (!isKept(policy)) return 'as it should be'
  try {
    return await write(policy, withoutFinalizer(policy), writing)
  } catch (error) {
    if (isTransient(error) && (await isLetGo(policy, writing))) return 'as it should be'
    throw error
  }
}

/** The answer that was lost may have said that it is off; and of a policy that is gone by then, nothing more is heard. */
async function isLetGo({ ref, uid }: DeclaredObject, { api, signal }: Writing): Promise<boolean> {
  const seen = await look(api, policies, splitName(nameIn(ref)), signal)
  return seen.is !== 'there' || seen.object.metadata.uid !== uid || !isKept(seen.object.metadata)
}

/** Only for the version that was heard of, since others may have put a finalizer of theirs on the list. */
async function write(
  { ref, resourceVersion }: DeclaredObject,
  finalizers: readonly string[],
  { api, mayWrite, signal }: Writing,
): Promise<Kept> {
  if (!mayWrite()) throw new Deposed(`${ref} is for another operator to write`)
  try {
    await api.merge(policies, splitName(nameIn(ref)), { metadata: { resourceVersion, finalizers } }, { signal })
    return 'as it should be'
  } catch (error) {
    if (isConflict(error) || isNotFound(error)) return 'outdated'
    throw error
  }
}
