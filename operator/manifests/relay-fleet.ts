/** What the builders get: a compiled fleet that runs, and the cluster it runs in. */
import type { CompiledFleet } from '../compile/compiled.ts'
import type { Name } from '../compile/snapshot.ts'

export const pullPolicies = ['Always', 'IfNotPresent', 'Never'] as const
export type PullPolicy = (typeof pullPolicies)[number]

/** What is so for every fleet of a cluster. */
export type ClusterFacts = {
  /** Of the relays: the operator's own image. */
  readonly image: string
  /** Absent: what Kubernetes does with an image of that name. */
  readonly imagePullPolicy?: PullPolicy
  /** From where the operator asks the relays for their status. */
  readonly operatorNamespace: string
  /** Whether the cluster knows the kind ServiceMonitor. */
  readonly serviceMonitors: boolean
}

export type RelayFleet = {
  /** The RelayPolicy's. */
  readonly name: Name
  readonly compiled: Extract<CompiledFleet, { readonly kind: 'run' }>
  /** How many relays there are for now: more than declared while some deliver what they have, and leave. */
  readonly relays: number
  readonly cluster: ClusterFacts
}
