/** The resources that the operator knows, and where the API server keeps them. */
import { apiVersion, kinds } from '../../../crds/kinds.ts'

export type Resource = {
  readonly apiVersion: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
}

const namespaced = (version: string, kind: string, plural: string): Resource => ({
  apiVersion: version,
  kind,
  plural,
  namespaced: true,
})

export const resources = {
  namespaces: { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false },
  secrets: namespaced('v1', 'Secret', 'secrets'),
  configMaps: namespaced('v1', 'ConfigMap', 'configmaps'),
  services: namespaced('v1', 'Service', 'services'),
  serviceAccounts: namespaced('v1', 'ServiceAccount', 'serviceaccounts'),
  pods: namespaced('v1', 'Pod', 'pods'),
  claims: namespaced('v1', 'PersistentVolumeClaim', 'persistentvolumeclaims'),
  statefulSets: namespaced('apps/v1', 'StatefulSet', 'statefulsets'),
  disruptionBudgets: namespaced('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets'),
  networkPolicies: namespaced('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies'),
  /** Not every cluster knows them. */
  serviceMonitors: namespaced('monitoring.coreos.com/v1', 'ServiceMonitor', 'servicemonitors'),
  dnsEndpoints: namespaced('externaldns.k8s.io/v1alpha1', 'DNSEndpoint', 'dnsendpoints'),
  leases: namespaced('coordination.k8s.io/v1', 'Lease', 'leases'),
  events: namespaced('events.k8s.io/v1', 'Event', 'events'),
} as const satisfies Readonly<Record<string, Resource>>

/** Our own kinds, in the order of `kinds`. */
export const ownResources: readonly Resource[] = kinds.map((k) => namespaced(apiVersion, k.kind, k.plural))

/**
 * The resource of an object.
 * @throws Error for a kind that the operator does not write: it is missing in the table above.
 */
export function resourceOf(object: { readonly apiVersion: string; readonly kind: string }): Resource {
  const known = [...Object.values(resources), ...ownResources]
  const found = known.find((r) => r.apiVersion === object.apiVersion && r.kind === object.kind)
  if (found === undefined) throw new Error(`${object.apiVersion} ${object.kind} is no resource of the operator's`)
  return found
}

export type Place = { readonly namespace?: string; readonly name?: string; readonly subresource?: 'status' }

/** The path of an object; without a name, of all objects in the namespace, or in all of them. */
export function pathOf(resource: Resource, { namespace, name, subresource }: Place): string {
  const group = resource.apiVersion.includes('/') ? `/apis/${resource.apiVersion}` : `/api/${resource.apiVersion}`
  const parts = [
    ...(resource.namespaced && namespace !== undefined ? ['namespaces', namespace] : []),
    resource.plural,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : [subresource]),
  ]
  return `${group}/${parts.map(encodeURIComponent).join('/')}`
}
