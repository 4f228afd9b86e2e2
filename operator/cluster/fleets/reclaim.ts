/**
 * Puts the owner reference back on objects that are a fleet's by name and label, and have lost it: by hand, or when something
 * was deleted with --cascade=orphan. Without an owner they would be neither pruned nor collected, ever.
 */
import { type Name, splitName } from '../../compile/snapshot.ts'
import { podsServiceName } from '../../manifests/names.ts'
import type { KubeObject } from '../api/object.ts'
import { resourceOf } from '../api/resource.ts'
import { Deposed, type Writing } from '../write/apply.ts'
import { look } from '../write/look.ts'
import { belongingOf, type Owner } from '../write/ownership.ts'

/** The objects with the names that a fleet gives: a label alone may have been copied along. */
export function namedAfter(fleet: Name, made: readonly KubeObject[]): readonly KubeObject[] {
  const { name } = splitName(fleet)
  const names = [name, podsServiceName(name)]
  return made.filter(({ metadata }) => names.includes(metadata.name))
}

/**
 * Each is looked at first, since what was heard of it may be older than what was heard of its policy.
 * @throws ApiError; Deposed
 */
export async function reclaim(objects: readonly KubeObject[], owner: Owner, writing: Writing): Promise<void> {
  const { api, mayWrite, signal } = writing
  for (const object of objects) {
    const [resource, at] = [resourceOf(object), object.metadata]
    const seen = await look(api, resource, at, signal)
    if (seen.is !== 'there' || belongingOf(seen.object, owner) !== 'ours') continue
    const { uid, resourceVersion, ownerReferences = [] } = seen.object.metadata
    if (ownerReferences.some((o) => o.uid === owner.reference.uid)) continue
    if (!mayWrite()) throw new Deposed('what has no owner is for another operator to write')
    const metadata = { uid, resourceVersion, ownerReferences: [...ownerReferences, owner.reference] }
    await api.merge(resource, at, { metadata }, { signal })
  }
}
