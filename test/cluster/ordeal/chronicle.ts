/** Collects every version of declared objects, namespaces and Secrets, in the order in which the API server made them. */
import { openApi } from '../../../operator/cluster/api/api.ts'
import type { KubeObject } from '../../../operator/cluster/api/object.ts'
import { ownResources, type Resource, resources } from '../../../operator/cluster/api/resource.ts'
import { theCluster } from '../cluster.ts'
import { faultProxy } from '../fault-proxy.ts'
import { type Followed, follow } from '../follow.ts'

export type Version = {
  readonly at: number
  /** When it was seen, by performance.now(). */
  readonly ms: number
  /** Undefined if it was deleted. */
  readonly object: KubeObject | undefined
}

export type Chronicle = {
  /** The versions by `Kind namespace/name`, the oldest first. */
  readonly versions: ReadonlyMap<string, readonly Version[]>
  stop(): Promise<void>
}

const keyOf = ({ kind }: Resource, { metadata }: KubeObject): string =>
  `${kind} ${metadata.namespace === undefined ? '' : `${metadata.namespace}/`}${metadata.name}`

/** The object as it was at that resource version; undefined if it did not exist. */
export const asOf = (versions: readonly Version[] = [], at: number): KubeObject | undefined =>
  versions.findLast((version) => version.at <= at)?.object

export async function chronicle(namespaces: readonly string[]): Promise<Chronicle> {
  const proxy = await faultProxy(theCluster().access)
  const api = openApi(proxy.connection)
  const versions = new Map<string, Version[]>()
  const ends: (() => void)[] = []

  const note = (resource: Resource, object: KubeObject, gone: boolean): void => {
    const key = keyOf(resource, object)
    const at = Number(object.metadata.resourceVersion)
    const known = versions.get(key) ?? []
    known.push({ at, ms: performance.now(), object: gone ? undefined : object })
    versions.set(key, known)
  }
  const watch = async (resource: Resource, place: { namespace?: string }): Promise<void> => {
    const ears = {
      listed: (object: KubeObject) => note(resource, object, false),
      heard: ({ type, object }: Followed) => void (type !== 'BOOKMARK' && note(resource, object, type === 'DELETED')),
    }
    ends.push(await follow(api, resource, place, ears))
  }
  await watch(resources.namespaces, {})
  for (const namespace of namespaces) {
    for (const resource of [...ownResources, resources.secrets]) await watch(resource, { namespace })
  }
  return {
    versions,
    async stop() {
      for (const end of ends) end()
      await proxy.close()
    },
  }
}
