/** Waits until several operators have done all their work: nothing is written any more, and all objects have been judged. */
import { isDeepStrictEqual } from 'node:util'
import { until } from '../../local/until.ts'
import { type Api, accepted, type KubeObject } from '../api.ts'
import { declaredKinds } from './authors.ts'
import { ownedIn } from './owned.ts'

/** For so many milliseconds nothing may change: longer than an operator waits before it writes a status or looks at a Secret again. */
const quietMs = 5000

export async function declaredIn(admin: Api, namespaces: readonly string[]): Promise<readonly KubeObject[]> {
  const lists = namespaces.flatMap((namespace) =>
    declaredKinds.map(async (plural) => {
      const answer = await admin.get(`/apis/relayfleet.dev/v1alpha1/namespaces/${namespace}/${plural}`)
      const { kind, items } = accepted(answer) as unknown as { kind: string; items: readonly KubeObject[] }
      return items.map((object) => ({ ...object, kind: kind.replace(/List$/, '') }))
    }),
  )
  return (await Promise.all(lists)).flat()
}

const nameOf = ({ kind, metadata }: KubeObject): string => `${kind} ${metadata.namespace}/${metadata.name}`

const versionsOf = (objects: readonly KubeObject[]): ReadonlyMap<string, unknown> =>
  new Map(objects.map((o) => [`${nameOf(o)} ${o.metadata['uid']}`, o.metadata['resourceVersion']]))

/** @throws Error that names what is still written or not yet judged, after the deadline */
export async function quiet(
  admin: Api,
  namespaces: readonly string[],
  deadlineMs: number,
  meanwhile: () => Promise<void>,
): Promise<void> {
  let before: ReadonlyMap<string, unknown> = new Map()
  let since = performance.now()
  let moving: readonly string[] = []
  await until(
    'nothing is written any more',
    async () => {
      await meanwhile()
      const declared = await declaredIn(admin, namespaces)
      const owned = (await ownedIn(admin, namespaces)).map(({ object, resource }) => ({
        ...object,
        kind: resource.kind,
      }))
      const now = versionsOf([...declared, ...owned])
      if (!isDeepStrictEqual(now, before)) {
        moving = [...now].flatMap(([key, version]) => (before.get(key) === version ? [] : [key]))
        before = now
        since = performance.now()
      }
      return performance.now() - since > quietMs && outdated(declared).length === 0
    },
    deadlineMs,
    500,
  ).catch(async (error: Error) => {
    const old = outdated(await declaredIn(admin, namespaces))
    throw new Error(`${error.message}; the last that changed: ${[...moving, ...old].join(', ')}`)
  })
}

type Judged = {
  readonly observedGeneration?: number
  readonly conditions?: readonly { readonly type: string; readonly observedGeneration?: number }[]
}

/** Objects whose status, or a condition in it, is not of their current generation. */
function outdated(declared: readonly KubeObject[]): readonly string[] {
  return declared.flatMap((object) => {
    const { observedGeneration, conditions = [] } = (object['status'] ?? {}) as Judged
    const { generation } = object.metadata
    const old = conditions.filter((c) => c.observedGeneration !== generation).map((c) => c.type)
    if (observedGeneration === generation && conditions.length > 0 && old.length === 0) return []
    return [`${nameOf(object)} is of generation ${generation}, its status of ${observedGeneration}; ${old.join(', ')}`]
  })
}
