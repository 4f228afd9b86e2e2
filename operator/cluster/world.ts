/** The world: what the operator has heard of the cluster by watching it. Secrets and ConfigMaps are not watched; see sightings. */
import type { Credential, Domain, Invalid, Name, Policy, Ref } from '../compile/snapshot.ts'
import type { KubeObject } from './object.ts'
import type { RelayPod } from './relay-pod.ts'

/** One of our own kinds as it stands in the cluster. What is being deleted is not among them: it is gone for us. */
export type DeclaredObject = {
  readonly ref: Ref
  readonly uid: string
  readonly resourceVersion: string
  /** The status as it was last heard of; empty where there is none. */
  readonly status: Readonly<Record<string, unknown>>
} & (
  | { readonly is: 'valid'; readonly resource: Policy | Domain | Credential }
  | { readonly is: 'invalid'; readonly invalid: Invalid }
)

/** How far each of our kinds has been heard: resource versions by kind. */
export type Heard = Readonly<Record<string, string>>

export type World = {
  declared(): readonly DeclaredObject[]
  declaredAs(ref: Ref): DeclaredObject | undefined
  /** Labels by namespace. */
  namespaces(): ReadonlyMap<string, Readonly<Record<string, string>>>
  /** What carries the operator's label and the fleet's: services, stateful sets, and whatever else manifests make. */
  made(fleet: Name): readonly KubeObject[]
  pods(fleet: Name): readonly RelayPod[]
  /** Whether the cluster knows the kind ServiceMonitor. */
  readonly serviceMonitors: boolean
  heard(): Heard
  /** Resolves when every one of our kinds has been listed anew. */
  refresh(): Promise<void>
  /** Resolves when everything has been listed once. */
  readonly synced: Promise<void>
  /** Until the signal ends; never rejects. */
  run(signal: AbortSignal): Promise<void>
}
