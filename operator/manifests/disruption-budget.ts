/** The PodDisruptionBudget: how many relays of a fleet node drains may take away at the same time. */
import type { V1PodDisruptionBudget } from '@kubernetes/client-node'
import { metadataOf, selectorOf } from './labels.ts'
import type { RelayFleet } from './relay-fleet.ts'

/** None for a single relay, where it would only block node drains. */
export const disruptionBudget = ({ name, compiled }: RelayFleet) =>
  compiled.replicas < 2
    ? undefined
    : ({
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: metadataOf(name),
        spec: {
          maxUnavailable: compiled.availability.maxUnavailable,
          // A relay that is not ready serves nobody, so it must not keep a node from being drained.
          unhealthyPodEvictionPolicy: 'AlwaysAllow',
          selector: selectorOf(name),
        },
      } satisfies V1PodDisruptionBudget)
