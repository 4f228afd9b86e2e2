/** The headless Service that gives each pod a name, ready or not: by it the relays' own pages are found. */
import type { V1Service } from '@kubernetes/client-node'
import { splitName } from '../compile/snapshot.ts'
import { httpPort, httpPortName } from './http-port.ts'
import { metadataOf, selectorOf } from './labels.ts'
import { podsServiceName } from './names.ts'
import type { RelayFleet } from './relay-fleet.ts'

export const podsService = (fleet: RelayFleet) =>
  ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(fleet.name, podsServiceName(splitName(fleet.name).name), 'relay-pods'),
    spec: {
      type: 'ClusterIP',
      clusterIP: 'None',
      ipFamilyPolicy: 'PreferDualStack',
      // A relay that is not ready is the one whose metrics and queue somebody wants to see.
      publishNotReadyAddresses: true,
      selector: selectorOf(fleet.name).matchLabels,
      ports: [{ name: httpPortName, port: httpPort(fleet), protocol: 'TCP', targetPort: httpPortName }],
    },
  }) satisfies V1Service
