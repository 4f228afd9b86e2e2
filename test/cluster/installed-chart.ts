/** The chart, without its CRDs, in a test's cluster: its rights and admission policy limit the operator's account. */
import type { Connection } from '../../operator/cluster/api/connection.ts'
import { pathOf } from '../../operator/cluster/api/resource.ts'
import { release, rendered, type Values } from '../chart/helm.ts'
import { until } from '../local/until.ts'
import { type Answer, type Api, accepted, apiOf, type KubeObject, type Refusal } from './api.ts'
import type { Cluster } from './held.ts'
import { newNamespace } from './namespace.ts'

const plurals: Readonly<Record<string, string>> = {
  ClusterRole: 'clusterroles',
  ClusterRoleBinding: 'clusterrolebindings',
  CustomResourceDefinition: 'customresourcedefinitions',
  Deployment: 'deployments',
  PodDisruptionBudget: 'poddisruptionbudgets',
  Role: 'roles',
  RoleBinding: 'rolebindings',
  ServiceAccount: 'serviceaccounts',
  ValidatingAdmissionPolicy: 'validatingadmissionpolicies',
  ValidatingAdmissionPolicyBinding: 'validatingadmissionpolicybindings',
}

function pathTo({ apiVersion, kind, metadata }: KubeObject): string {
  const plural = plurals[kind]
  if (plural === undefined) throw new Error(`${kind} is not in the table of this file`)
  return pathOf({ apiVersion, kind, plural, namespaced: metadata.namespace !== undefined }, metadata)
}

export type InstalledChart = {
  /** The namespace of the release. */
  readonly namespace: string
  /** Writes an object as an installation by helm does. */
  write(object: KubeObject, query?: string): Promise<Answer>
  /** Requests with the operator's account. */
  readonly operator: Api
  /** The same connection, but with the operator's account. */
  asOperator(connection: Connection): Connection
  /** Removes the objects that belong to no namespace, since they do not go with one. */
  uninstall(): Promise<void>
}

/** The name of objects that a cluster has only once. Tests install several charts, so each one's get a name of their own. */
const onlyOne = 'relayfleet-watcher'
export const apartName = (namespace: string): string => `${namespace}-${onlyOne}`

function apart(object: KubeObject, namespace: string): KubeObject {
  if (object.metadata.namespace !== undefined || object.metadata.name !== onlyOne) return object
  const text = JSON.stringify(object).replaceAll(`"${onlyOne}"`, `"${apartName(namespace)}"`)
  return JSON.parse(text) as KubeObject
}

/** Resolves when the admission policy is in force. `values` gets the release's namespace, which the values may name. */
export async function installChart(
  cluster: Cluster,
  admin: Api,
  values: (namespace: string) => Values = () => ({}),
): Promise<InstalledChart> {
  const namespace = await newNamespace(cluster, admin)
  const impersonation = { 'impersonate-user': `system:serviceaccount:${namespace}:${release}` }
  const operator = apiOf(cluster.access, impersonation)
  const write = (object: KubeObject, query = ''): Promise<Answer> =>
    admin.patch(`${pathTo(object)}?fieldManager=helm&force=true&fieldValidation=Strict${query}`, object, 'apply')
  const objects = rendered({ ...values(namespace), crds: { enabled: false } }, namespace)
  const installed = objects.map((object) => apart(object, namespace))
  for (const object of installed) accepted(await write(object))
  await until('the admission policy holds', async () => {
    const probe = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'probe', namespace, labels: {} } }
    const { body } = await operator.create(`/api/v1/namespaces/${namespace}/secrets?dryRun=All`, probe)
    return (body as Refusal).message?.includes('ValidatingAdmissionPolicy')
  })
  return {
    namespace,
    write,
    operator,
    asOperator: (connection) => ({
      ...connection,
      async login() {
        const login = await connection.login()
        return { ...login, headers: { ...login.headers, ...impersonation } }
      },
    }),
    async uninstall() {
      for (const object of installed.filter(({ metadata }) => metadata.namespace === undefined)) {
        await admin.remove(pathTo(object))
      }
    },
  }
}
