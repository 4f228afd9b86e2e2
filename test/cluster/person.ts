/** A person with rights of their own, and the kubeconfig to use them. */
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { until } from '../local/until.ts'
import { temporaryFolder } from '../operator/local/temporary.ts'
import { type Access, kubeconfig } from './access.ts'
import { type Api, accepted } from './api.ts'

export type Rule = {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

/** Our kinds may be seen; what goes for every role that may look. */
export const readsOurKinds: Rule = {
  apiGroups: ['relayfleet.dev'],
  resources: ['relaypolicies', 'senderdomains', 'relaycredentials'],
  verbs: ['get', 'list'],
}

export const readsNamespaces: Rule = { apiGroups: [''], resources: ['namespaces'], verbs: ['get', 'list'] }

const reviews = '/apis/authorization.k8s.io/v1/subjectaccessreviews'
const rbac = '/apis/rbac.authorization.k8s.io/v1'

/** May do in these namespaces, `*` for all, what the rules say, and nothing else; the answer is the kubeconfig. */
export async function person(
  access: Access,
  api: Api,
  rights: Readonly<Record<string, readonly Rule[]>>,
): Promise<string> {
  const name = `person-${randomUUID().slice(0, 8)}`
  for (const [namespace, rules] of Object.entries(rights)) await grant(api, name, namespace, rules)
  return kubeconfigFile(access, { user: name })
}

async function grant(api: Api, name: string, namespace: string, rules: readonly Rule[]): Promise<void> {
  const prefix = namespace === '*' ? 'Cluster' : ''
  const at = namespace === '*' ? rbac : `${rbac}/namespaces/${namespace}`
  const [roles, bindings] = [`${at}/${prefix.toLowerCase()}roles`, `${at}/${prefix.toLowerCase()}rolebindings`]
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: `${prefix}Role`, name }
  const subjects = [{ kind: 'User', name, apiGroup: 'rbac.authorization.k8s.io' }]
  accepted(await api.create(roles, { metadata: { name }, rules }))
  accepted(await api.create(bindings, { metadata: { name }, roleRef, subjects }))
  onTestFinished(async () => {
    for (const path of [roles, bindings]) await api.remove(`${path}/${name}`)
  })
  await until(`${name} has its rights`, async () => (await Promise.all(rules.map(isInForce))).every(Boolean))

  /** The API server hears of a role some moments after it has taken it. */
  async function isInForce({ apiGroups: [group], resources: [whole = ''], verbs: [verb] }: Rule): Promise<boolean> {
    const [resource, subresource] = whole.split('/')
    const what = { group, resource, verb, ...(subresource && { subresource }), ...(namespace !== '*' && { namespace }) }
    const asked = await api.create(reviews, { spec: { user: name, resourceAttributes: what } })
    return (accepted(asked)['status'] as { allowed: boolean }).allowed
  }
}

type Chosen = { readonly user?: string; readonly namespace?: string }

/** With an `as`, the administrator acts for that user. */
export function kubeconfigFile(access: Access, { user, namespace }: Chosen = {}): string {
  const config = JSON.parse(kubeconfig(access)) as { users: { user: object }[]; contexts: { context: object }[] }
  const [first] = config.users
  if (user !== undefined && first !== undefined) first.user = { ...first.user, as: user }
  const [context] = config.contexts
  if (namespace !== undefined && context !== undefined) context.context = { ...context.context, namespace }
  const file = join(temporaryFolder(), 'kubeconfig')
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 })
  return file
}
