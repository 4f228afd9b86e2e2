/** Removes what a fleet had and no longer needs: only what is its by label and by owner, and only as it was seen. */

import { told } from '../api/api.ts'
import { isConflict, isNotFound } from '../api/api-error.ts'
import { type KubeObject, keyOf } from '../api/object.ts'
import { resourceOf } from '../api/resource.ts'
import { Deposed, type Writing } from './apply.ts'
import { look } from './look.ts'
import { belongingOf, type Owner } from './ownership.ts'

/** What tells objects of different kinds apart. */
export const identityOf = ({ apiVersion, kind, metadata }: KubeObject): string =>
  `${apiVersion} ${kind} ${keyOf(metadata)}`

/** Of `observed`, what is not among `desired`, whosever it is. */
export function notAmong(desired: readonly KubeObject[], observed: readonly KubeObject[]): readonly KubeObject[] {
  const wanted = new Set(desired.map(identityOf))
  return observed.filter((o) => !wanted.has(identityOf(o)))
}

/** Of `observed`, what is the owner's and is not among `desired`. */
export const superfluous = (
  observed: readonly KubeObject[],
  desired: readonly KubeObject[],
  owner: Owner,
): readonly KubeObject[] => notAmong(desired, observed).filter((o) => isOwned(o, owner))

/** Here a label is not enough: what nobody owns may have been marked by a person's copy and paste. */
const isOwned = (object: KubeObject, owner: Owner): boolean =>
  belongingOf(object, owner) === 'ours' &&
  (object.metadata.ownerReferences ?? []).some((o) => o.controller === true && o.uid === owner.reference.uid)

/**
 * Returns what was removed. An object that changed since it was seen is looked at again: whoever reports its status keeps
 * no superfluous one alive, and whoever has taken it over keeps it.
 * @throws ApiError for trouble that passes.
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

/** Of somebody who writes all the time, the next round may be luckier. */
const tries = 3

async function remove(object: KubeObject, owner: Owner, writing: Writing, left: number): Promise<boolean> {
  const { api, mayWrite, signal } = writing
  if (!mayWrite()) throw new Deposed(`${told(object)} is for another operator to remove`)
  const { uid, resourceVersion } = object.metadata
  const seen = { ...(uid !== undefined && { uid }), ...(resourceVersion !== undefined && { resourceVersion }) }
  try {
    await api.remove(resourceOf(object), object.metadata, seen, { signal })
    return true
  } catch (error) {
    if (isNotFound(error)) return false
    if (!isConflict(error) || left <= 1) throw error
    const now = await look(api, resourceOf(object), object.metadata, signal)
    if (now.is !== 'there' || now.object.metadata.uid !== uid || !isOwned(now.object, owner)) return false
    return remove(now.object, owner, writing, left - 1)
  }
}
