/** Follows one resource as the API server tells of it: what is there, and then each event in order, until it is ended. */
import type { openApi } from '../../operator/cluster/api/api.ts'
import { Lines } from '../../operator/cluster/api/lines.ts'
import type { KubeObject } from '../../operator/cluster/api/object.ts'
import type { Resource } from '../../operator/cluster/api/resource.ts'

export type Followed = { readonly type: string; readonly object: KubeObject }

type Ears = {
  readonly listed?: (object: KubeObject) => void
  readonly heard: (event: Followed) => void
}

/** Returns a function that ends it. */
export async function follow(
  api: ReturnType<typeof openApi>,
  resource: Resource,
  scope: { readonly namespace?: string },
  { listed, heard }: Ears,
): Promise<() => void> {
  const { items, resourceVersion } = await api.listPage(resource, scope, { limit: 500 })
  if (listed) items.forEach(listed)
  const stream = await api.watch(resource, scope, { resourceVersion, timeoutSeconds: 3600 })
  const lines = new Lines(Number.POSITIVE_INFINITY)
  stream.on('data', (chunk: Buffer) => {
    for (const line of lines.push(chunk)) heard(JSON.parse(line) as Followed)
  })
  stream.on('error', () => undefined)
  return () => void stream.destroy()
}
