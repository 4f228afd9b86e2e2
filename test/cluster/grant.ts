/** Grants rights, and waits until they are in force: the API server's authoriser hears of a new role some moments later. */
import { until } from '../local/until.ts'
import { type Api, accepted } from './api.ts'

export type Rule = {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

/** The user, the namespace (`*` is everywhere), and the name of the role and its binding, by default the user's. */
export type Grant = { readonly user: string; readonly namespace: string; readonly name?: string }

const apiGroup = 'rbac.authorization.k8s.io'
const reviews = '/apis/authorization.k8s.io/v1/subjectaccessreviews'

/** Resolves when the rights are in force, with the paths of the role and its binding. */
export async function grant(api: Api, { user, namespace, name = user }: Grant, rules: readonly Rule[]) {
  const isEverywhere = namespace === '*'
  const at = isEverywhere ? `/apis/${apiGroup}/v1/cluster` : `/apis/${apiGroup}/v1/namespaces/${namespace}/`
  const [roles, bindings] = [`${at}roles`, `${at}rolebindings`]
  const roleRef = { apiGroup, kind: isEverywhere ? 'ClusterRole' : 'Role', name }
  accepted(await api.create(roles, { metadata: { name }, rules }))
  accepted(
    await api.create(bindings, { metadata: { name }, roleRef, subjects: [{ kind: 'User', name: user, apiGroup }] }),
  )

  const isInForce = async ({ apiGroups: [group], resources: [whole = ''], verbs: [verb] }: Rule): Promise<boolean> => {
    const [resource, subresource] = whole.split('/')
    const what = { group, resource, verb, ...(subresource && { subresource }), ...(!isEverywhere && { namespace }) }
    const answer = await api.create(reviews, { spec: { user, resourceAttributes: what } })
    return (accepted(answer)['status'] as { allowed: boolean }).allowed
  }
  await until(`${user} has its rights`, async () => (await Promise.all(rules.map(isInForce))).every(Boolean))
  return [`${roles}/${name}`, `${bindings}/${name}`] as const
}
