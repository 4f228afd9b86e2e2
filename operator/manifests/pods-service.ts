/**
 * The headless Service, which gives each pod a DNS name whether it is ready or not: the relays' own HTTP pages are reached by it.
 */
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
      // The metrics and the queue of a relay that is not ready are what somebody wants to see most.
      publishNotReadyAddresses: true,
      selector: selectorOf(fleet.name).matchLabels,
      ports: [{ name: httpPortName, port: httpPort(fleet), protocol: 'TCP', targetPort: httpPortName }],
    },
  }) satisfies V1Service
