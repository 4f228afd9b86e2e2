/** The Service that clients submit to, with the declared port of each listener. */
import type { V1Service } from '@kubernetes/client-node'
import { metadataOf, selectorOf, takesMail } from './labels.ts'
import type { RelayFleet } from './relay-fleet.ts'

export const service = ({ name, compiled }: RelayFleet) =>
  ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(name),
    spec: {
      type: 'ClusterIP',
      ipFamilyPolicy: 'PreferDualStack',
      selector: { ...selectorOf(name).matchLabels, ...takesMail },
      ports: compiled.ports.map((p) => ({ name: p.name, port: p.port, protocol: 'TCP', targetPort: p.target })),
    },
  }) satisfies V1Service
