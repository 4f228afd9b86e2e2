/** The input of all builders: a compiled fleet that runs, and facts about the cluster. */
import type { CompiledFleet } from '../compile/compiled.ts'
import type { Name } from '../compile/snapshot.ts'

export const pullPolicies = ['Always', 'IfNotPresent', 'Never'] as const
export type PullPolicy = (typeof pullPolicies)[number]

/** Facts that are the same for every fleet of a cluster. */
export type ClusterFacts = {
  /** The image of the relays, which is the operator's own. */
  readonly image: string
  /** Absent: Kubernetes' default for the image's tag. */
  readonly imagePullPolicy?: PullPolicy
  /** The namespace of the operator, which asks the relays for their status. */
  readonly operatorNamespace: string
  /** Whether the cluster knows the kind ServiceMonitor. */
  readonly serviceMonitors: boolean
}

export type RelayFleet = {
  /** The name of its RelayPolicy. */
  readonly name: Name
  readonly compiled: Extract<CompiledFleet, { readonly kind: 'run' }>
  /** How many relays there are now: more than spec.replicas while some of them are leaving. */
  readonly relays: number
  readonly cluster: ClusterFacts
}
