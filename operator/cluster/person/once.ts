/** The cluster as it stands now, for the command line: read once, and as far as the user's own rights go. */
import type { Snapshot } from '../../compile/snapshot.ts'
import { Dirty } from '../../dirty.ts'
import type { Api, Scope } from '../api/api.ts'
import { isForbidden, isNotFound } from '../api/api-error.ts'
import type { KubeObject } from '../api/object.ts'
import { ownResources, type Resource, resources } from '../api/resource.ts'
import { wholeList } from '../api/whole-list.ts'
import { assemble, inCluster, recordedDomainKeys } from '../assemble.ts'
import { type DeclaredObject, declaredIn } from '../watch/declared.ts'
import type { Unread } from '../watch/mirror.ts'
import { seeReferences } from '../watch/see-references.ts'
import { readingSightOf } from '../watch/sight.ts'
import { openSightings } from '../watch/sightings.ts'

export type Once = { readonly snapshot: Snapshot; readonly declared: readonly DeclaredObject[] }

type Read = { readonly items: readonly KubeObject[]; readonly unread: readonly Unread[] }

/**
 * All namespaces; where that is not allowed and `namespace` is given, what is in that one. What may not be read is in
 * the snapshot's `unread`, Secrets that may not be looked at count as there, and what runs is not known.
 * @throws ApiError when the cluster can not be asked.
 */
export async function snapshotOnce(
  api: Api,
  { namespace }: { readonly namespace?: string },
  signal: AbortSignal,
): Promise<Once> {
  const reader = readerOf(api, signal)
  const lists = await Promise.all(ownResources.map((r) => readKind(reader, r, namespace)))
  const declared = lists.flatMap((l) => l.items.map((object) => declaredIn(object))).filter((d) => d !== undefined)
  const labels = await readLabels(reader, [...new Set(lists.flatMap((l) => l.items.map(namespaceOf)))])
  const sightings = openSightings({ sight: readingSightOf(api), dirty: new Dirty() })
  await seeReferences(declared, inCluster, sightings, signal)
  signal.throwIfAborted()
  const snapshot = assemble({
    declared,
    keys: new Map(),
    namespaces: new Map(labels.items.map(({ metadata }) => [metadata.name, metadata.labels ?? {}])),
    unread: [...lists, labels].flatMap((l) => l.unread),
    secrets: sightings.secrets(),
    configMaps: sightings.configMaps(),
    running: new Map(),
    place: inCluster,
    domainKeys: recordedDomainKeys(declared),
    now: Date.now(),
  })
  return { snapshot, declared }
}

const namespaceOf = ({ metadata }: KubeObject): string => metadata.namespace ?? ''

type Reader = {
  list(resource: Resource, scope: Scope): Promise<readonly KubeObject[] | 'forbidden' | 'unknown'>
  labels(namespace: string): Promise<KubeObject | 'forbidden' | 'unknown'>
}

const readerOf = (api: Api, signal: AbortSignal): Reader => ({
  list: (resource, scope) =>
    wholeList(api, resource, scope, { limit: 500, signal }).then(({ items }) => items, refused),
  labels: (name) => api.get(resources.namespaces, { name }, { signal, metadataOnly: true }).catch(refused),
})

function refused(error: unknown): 'forbidden' | 'unknown' {
  if (isForbidden(error)) return 'forbidden'
  if (isNotFound(error)) return 'unknown'
  throw error
}

async function readKind({ list }: Reader, resource: Resource, namespace: string | undefined): Promise<Read> {
  const { plural } = resource
  const all = await list(resource, {})
  if (all === 'unknown')
    return { items: [], unread: [{ what: `${plural}: the cluster does not know them; install the CRDs` }] }
  if (all !== 'forbidden') return { items: all, unread: [] }
  const here = namespace === undefined ? 'forbidden' : await list(resource, { namespace })
  if (here === 'forbidden' || here === 'unknown')
    return { items: [], unread: [{ what: `${plural}: listing them is not allowed` }] }
  return { items: here, unread: [{ what: `${plural} outside of ${namespace}: listing them is not allowed` }] }
}

/** A namespace can often be read by its name where a list of all is not allowed. */
async function readLabels({ list, labels }: Reader, names: readonly string[]): Promise<Read> {
  const all = await list(resources.namespaces, { metadataOnly: true })
  if (typeof all !== 'string') return { items: all, unread: [] }
  const each = await Promise.all(names.map(async (name) => ({ name, read: await labels(name) })))
  return {
    items: each.flatMap(({ read }) => (typeof read === 'string' ? [] : [read])),
    unread: each.flatMap(({ name, read }) =>
      read === 'forbidden' ? [{ what: `labels of namespace ${name}: not allowed`, namespace: name }] : [],
    ),
  }
}
