/** Collects garbage in a cluster without controllers: it deletes objects whose owners are all gone. */
import { ownResources, pathOf, resources } from '../../../operator/cluster/api/resource.ts'
import { type Api, accepted, type KubeObject } from '../api.ts'
import { theCluster } from '../cluster.ts'

const { secrets, services, statefulSets, disruptionBudgets, networkPolicies } = resources
const owned = [secrets, services, statefulSets, disruptionBudgets, networkPolicies]

const uidOf = ({ metadata }: KubeObject): string => String(metadata['uid'])

export async function collectGarbage(admin: Api, namespace: string): Promise<void> {
  if (theCluster().controllers) return
  const listOf = async (path: string): Promise<readonly KubeObject[]> =>
    (accepted(await admin.get(path)) as unknown as { items: readonly KubeObject[] }).items
  // The owned objects are read first and the owners after them, so that no object made in between is taken for an orphan.
  const found = await Promise.all(
    owned.map(async (resource) =>
      (await listOf(pathOf(resource, { namespace }))).map((object) => ({ object, resource })),
    ),
  )
  const alive = await Promise.all(ownResources.map((resource) => listOf(pathOf(resource, { namespace }))))
  const uids = new Set(alive.flat().map(uidOf))
  for (const { object, resource } of found.flat()) {
    const owners = (object.metadata['ownerReferences'] ?? []) as readonly { readonly uid: string }[]
    if (owners.length === 0 || owners.some(({ uid }) => uids.has(uid))) continue
    const preconditions = { uid: uidOf(object) }
    await admin.request('DELETE', pathOf(resource, { namespace, name: object.metadata.name }), { preconditions })
  }
}
