/**
 * Removes what an owner had and no longer needs: only what belongs to it by label and by owner reference, and only as it was
 * seen.
 */

import { told } from '../api/api.ts'
import { isConflict, isNotFound } from '../api/api-error.ts'
import { type KubeObject, keyOf } from '../api/object.ts'
import { resourceOf } from '../api/resource.ts'
import { Deposed, type Writing } from './apply.ts'
import { look } from './look.ts'
import { belongingOf, type Owner } from './ownership.ts'

/** The kind and the name of an object, as one text. */
export const identityOf = ({ apiVersion, kind, metadata }: KubeObject): string =>
  `${apiVersion} ${kind} ${keyOf(metadata)}`

/** The objects of `observed` that are not among `desired`, whoever owns them. */
export function notAmong(desired: readonly KubeObject[], observed: readonly KubeObject[]): readonly KubeObject[] {
  const wanted = new Set(desired.map(identityOf))
  return observed.filter((o) => !wanted.has(identityOf(o)))
}

/** The objects of `observed` that the owner has and that are not among `desired`. */
export const superfluous = (
  observed: readonly KubeObject[],
  desired: readonly KubeObject[],
  owner: Owner,
): readonly KubeObject[] => notAmong(desired, observed).filter((o) => isOwned(o, owner))

/** To remove something, labels are not enough: a person may have copied them along. */
const isOwned = (object: KubeObject, owner: Owner): boolean =>
  belongingOf(object, owner) === 'ours' &&
  (object.metadata.ownerReferences ?? []).some((o) => o.controller === true && o.uid === owner.reference.uid)

/**
 * Returns what was removed. An object that changed since it was seen is looked at again, and goes where it is still the
 * owner's: the program that reports its status keeps it alive no longer, and one that has taken it over keeps it.
 * @throws ApiError for trouble that passes; Deposed
 */
export async function prune(
  observed: readonly KubeObject[],
  desired: readonly KubeObject[],
  owner: Owner,
  writing: Writing,
): Promise<readonly string[]> {
  const removed: string[] = []
  for (const object of superfluous(observed, desired, owner)) {
    if (await remove(object, owner, writing, tries)) removed.push(told(object))
  }
  return removed
}

/** An object that others write all the time may be removed in the next round. */
const tries = 3

/** Removes an object as it was seen. @throws ApiError, a conflict where it is no longer what it was; Deposed */
export async function removeSeen(object: KubeObject, { api, mayWrite, signal }: Writing): Promise<void> {
  if (!mayWrite()) throw new Deposed(`${told(object)} is for another operator to remove`)
  const { uid, resourceVersion } = object.metadata
  const seen = { ...(uid !== undefined && { uid }), ...(resourceVersion !== undefined && { resourceVersion }) }
  await api.remove(resourceOf(object), object.metadata, seen, { signal })
}

async function remove(object: KubeObject, owner: Owner, writing: Writing, left: number): Promise<boolean> {
  try {
    await removeSeen(object, writing)
    return true
  } catch (error) {
    if (isNotFound(error)) return false
    if (!isConflict(error) || left <= 1) throw error
    const now = await look(writing.api, resourceOf(object), object.metadata, writing.signal)
    if (now.is !== 'there' || now.object.metadata.uid !== object.metadata.uid || !isOwned(now.object, owner))
      return false
    return remove(now.object, owner, writing, left - 1)
  }
}
