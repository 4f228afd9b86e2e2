/** How many relays a drain may take at once. */
import type { V1PodDisruptionBudget } from '@kubernetes/client-node'
import { metadataOf, selectorOf } from './labels.ts'
import type { RelayFleet } from './relay-fleet.ts'

/** Nothing to protect with a single relay: the budget would only block node drains. */
export const disruptionBudget = ({ name, compiled }: RelayFleet) =>
  compiled.replicas < 2
    ? undefined
    : ({
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: metadataOf(name),
        spec: {
          maxUnavailable: compiled.availability.maxUnavailable,
          // A relay that is not ready serves nobody; it must not keep a node from being drained.
          unhealthyPodEvictionPolicy: 'AlwaysAllow',
          selector: selectorOf(name),
        },
      } satisfies V1PodDisruptionBudget)
