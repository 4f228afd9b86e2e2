/**
 * What is a fleet's by name and label, and has no owner, gets it back before it is to go. Whoever took it away, by hand or by
 * deleting with `orphan`, would leave it behind for ever: without an owner nothing is pruned, and nothing is collected.
 */
import { type Name, splitName } from '../../compile/snapshot.ts'
import { podsServiceName } from '../../manifests/names.ts'
import type { KubeObject } from '../api/object.ts'
import { resourceOf } from '../api/resource.ts'
import { Deposed, type Writing } from '../write/apply.ts'
import { look } from '../write/look.ts'
import { belongingOf, type Owner } from '../write/ownership.ts'

/** A label is not enough, since somebody may have copied it along: what a fleet makes has these names. */
export function namedAfter(fleet: Name, made: readonly KubeObject[]): readonly KubeObject[] {
  const { name } = splitName(fleet)
  const names = [name, podsServiceName(name)]
  return made.filter(({ metadata }) => names.includes(metadata.name))
}

/** As each stands now, since what was heard of one may be older than what was heard of its policy. @throws ApiError */
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
