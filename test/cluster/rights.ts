/** The rights that requests need and that roles give, in one form: `patch apps/statefulsets`. */
import type { KubeObject } from './api.ts'
import type { Seen } from './fault-proxy.ts'

type Rule = { readonly apiGroups: string[]; readonly resources: string[]; readonly verbs: string[] }

/** The rights that the roles among these objects give. */
export const rightsIn = (objects: readonly KubeObject[]): ReadonlySet<string> =>
  new Set(
    objects
      .filter(({ kind }) => /Role$/.test(kind))
      .flatMap((role) => role['rules'] as readonly Rule[])
      .flatMap(({ apiGroups, resources, verbs }) =>
        verbs.flatMap((verb) => apiGroups.flatMap((group) => resources.map((r) => `${verb} ${group}/${r}`))),
      ),
  )

const verbs: Readonly<Record<string, string>> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }

/** The right that a request needs; undefined for discovery, which every account may do. */
export function rightFor({ method, path, query }: Pick<Seen, 'method' | 'path' | 'query'>): string | undefined {
  const parts = path.split('/').slice(1)
  const group = parts[0] === 'api' ? '' : (parts[1] ?? '')
  const rest = parts.slice(parts[0] === 'api' ? 2 : 3)
  const [resource, name, subresource] = rest[0] === 'namespaces' && rest.length > 2 ? rest.slice(2) : rest
  if (resource === undefined) return undefined
  const reading = query.has('watch') ? 'watch' : name === undefined ? 'list' : 'get'
  const what = subresource === undefined ? resource : `${resource}/${subresource}`
  return `${method === 'GET' ? reading : verbs[method]} ${group}/${what}`
}
