/** Lists all objects with the operator's label in some namespaces. */
import { pathOf, type Resource, resources } from '../../../operator/cluster/api/resource.ts'
import { oursSelector } from '../../../operator/cluster/write/ownership.ts'
import { type Api, accepted, type KubeObject } from '../api.ts'

const { secrets, configMaps, services, statefulSets, disruptionBudgets, networkPolicies } = resources
const kinds = [secrets, configMaps, services, statefulSets, disruptionBudgets, networkPolicies]

export type Owned = { readonly resource: Resource; readonly path: string; readonly object: KubeObject }

export async function ownedIn(admin: Api, namespaces: readonly string[]): Promise<readonly Owned[]> {
  const lists = namespaces.flatMap((namespace) =>
    kinds.map(async (resource) => {
      const at = pathOf(resource, { namespace })
      const { items } = accepted(await admin.get(`${at}?labelSelector=${oursSelector}`)) as unknown as {
        readonly items: readonly KubeObject[]
      }
      return items.map((object) => ({ resource, path: `${at}/${object.metadata.name}`, object }))
    }),
  )
  return (await Promise.all(lists)).flat()
}
