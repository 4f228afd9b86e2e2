/** The kind DNSEndpoint as external-dns declares it, with the fields that our manifest uses. */

export const [group, plural, kind] = ['externaldns.k8s.io', 'dnsendpoints', 'DNSEndpoint']
const text = { type: 'string' }
const endpoint = {
  type: 'object',
  properties: {
    ...{ dnsName: text, recordType: text, recordTTL: { type: 'integer', format: 'int64' } },
    targets: { type: 'array', items: text },
  },
}
const properties = {
  spec: { type: 'object', properties: { endpoints: { type: 'array', items: endpoint } } },
  status: { type: 'object', properties: { observedGeneration: { type: 'integer', format: 'int64' } } },
}

export const dnsEndpointCrd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: `${plural}.${group}`,
    annotations: { 'api-approved.kubernetes.io': 'https://github.com/kubernetes-sigs/external-dns/pull/2007' },
  },
  spec: {
    group,
    scope: 'Namespaced',
    names: { kind, plural, singular: 'dnsendpoint', listKind: 'DNSEndpointList' },
    versions: [
      {
        name: 'v1alpha1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', properties } },
        subresources: { status: {} },
      },
    ],
  },
}
