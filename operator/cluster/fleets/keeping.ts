/** Keeps a RelayPolicy that is deleted until its mail is gone, and lets it go then: puts the finalizer on, and takes it off. */
import { apiVersion } from '../../../crds/kinds.ts'
import { nameIn, splitName } from '../../compile/snapshot.ts'
import { isConflict, isNotFound } from '../api/api-error.ts'
import { resourceOf } from '../api/resource.ts'
import type { DeclaredObject } from '../watch/declared.ts'
import { Deposed, type Writing } from '../write/apply.ts'
import { isKept, withFinalizer, withoutFinalizer } from '../write/mail-finalizer.ts'

const policies = resourceOf({ apiVersion, kind: 'RelayPolicy' })

export type Kept =
  | 'as it should be'
  /** It is no longer what was heard of it. */
  | 'outdated'

/** @throws ApiError, also where it may not be put on any more, since the policy is being deleted */
export const keep = (policy: DeclaredObject, writing: Writing): Promise<Kept> =>
  isKept(policy) ? Promise.resolve('as it should be') : write(policy, withFinalizer(policy), writing)

/** From now on it is for the garbage collector, or for whoever else keeps it. @throws ApiError */
export const letGo = (policy: DeclaredObject, writing: Writing): Promise<Kept> =>
  isKept(policy) ? write(policy, withoutFinalizer(policy), writing) : Promise.resolve('as it should be')

/** Others may have put theirs on: only over the very version that was heard of. */
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
