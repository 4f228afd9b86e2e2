/** All objects of a fleet in a cluster, except the Secrets with its configuration, keys and issued certificate. */
import { disruptionBudget } from './disruption-budget.ts'
import type { Manifest } from './manifest.ts'
import { networkPolicy } from './network-policy.ts'
import { podsService } from './pods-service.ts'
import type { RelayFleet } from './relay-fleet.ts'
import { service } from './service.ts'
import { serviceMonitor } from './service-monitor.ts'
import { statefulSet } from './stateful-set.ts'

/** In the order in which they are written: the NetworkPolicy comes first, so that no pod is ever without it. */
const builders: readonly ((fleet: RelayFleet) => Manifest | undefined)[] = [
  networkPolicy,
  service,
  podsService,
  disruptionBudget,
  statefulSet,
  serviceMonitor,
]

export const manifestsOf = (fleet: RelayFleet): readonly Manifest[] =>
  builders.map((build) => build(fleet)).filter((manifest) => manifest !== undefined)
