/** The NetworkPolicy of a fleet: everybody may connect to listeners, but only few to the relays' own HTTP pages. */
import { egress } from './egress.ts'
import { httpPort } from './http-port.ts'
import { metadataOf, selectorOf } from './labels.ts'
import type { Manifest } from './manifest.ts'
import type { RelayFleet } from './relay-fleet.ts'

/** A namespace with this label may read the relays' metrics. */
const metricsLabel = { 'relayfleet.dev/metrics': 'allow' }
const operatorPods = { 'app.kubernetes.io/name': 'relayfleet', 'app.kubernetes.io/component': 'operator' }

const submission = ({ compiled }: RelayFleet) => ({
  ports: compiled.ports.map(({ target }) => ({ protocol: 'TCP', port: target })),
})

const pages = (fleet: RelayFleet) => ({
  from: [
    { namespaceSelector: { matchLabels: metricsLabel } },
    {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': fleet.cluster.operatorNamespace } },
      podSelector: { matchLabels: operatorPods },
    },
  ],
  ports: [{ protocol: 'TCP', port: httpPort(fleet) }],
})

export const networkPolicy = (fleet: RelayFleet): Manifest => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: metadataOf(fleet.name),
  spec: {
    podSelector: selectorOf(fleet.name),
    policyTypes: ['Ingress', 'Egress'],
    ingress: [submission(fleet), pages(fleet)],
    egress: egress(fleet),
  },
})
