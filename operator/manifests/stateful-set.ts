/** The StatefulSet of a fleet's relays; each has a volume of its own, which holds the mail that it has accepted. */
import type { V1StatefulSet } from '@kubernetes/client-node'
import { splitName } from '../compile/snapshot.ts'
import { metadataOf, selectorOf } from './labels.ts'
import { dataVolume, podsServiceName } from './names.ts'
import type { RelayFleet } from './relay-fleet.ts'
import { relayPod } from './relay-pod.ts'

export const statefulSet = (fleet: RelayFleet) =>
  ({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: metadataOf(fleet.name),
    spec: {
      replicas: fleet.relays,
      serviceName: podsServiceName(splitName(fleet.name).name),
      selector: selectorOf(fleet.name),
      // Relays do not need each other, so one that can not start must not keep the others from starting after an outage.
      podManagementPolicy: 'Parallel',
      updateStrategy: { type: 'RollingUpdate' },
      // A volume may hold accepted mail, so only a person may delete it.
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      template: relayPod(fleet),
      volumeClaimTemplates: [
        {
          metadata: { name: dataVolume },
          spec: {
            accessModes: ['ReadWriteOnce'],
            resources: { requests: { storage: fleet.compiled.storage } },
          },
        },
      ],
    },
  }) satisfies V1StatefulSet
