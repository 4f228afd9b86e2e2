/** The world: what the operator has heard of the cluster by watching it. Secrets and ConfigMaps are not watched; see sightings. */
import { isDeepStrictEqual } from 'node:util'
import { type Name, namespaceIn, type Policy, type Ref, splitName } from '../../compile/snapshot.ts'
import type { Dirty } from '../../dirty.ts'
import type { Api } from '../api/api.ts'
import type { KubeObject } from '../api/object.ts'
import { ownResources, resources } from '../api/resource.ts'
import { oursSelector } from '../write/ownership.ts'
import { type DeclaredObject, declaredIn } from './declared.ts'
import { byFleet, fleetOf, isSameMade, madeIn } from './made.ts'
import { openMirror, type Unread } from './mirror.ts'
import { askedNamespaces, watchedNamespaces } from './namespaces.ts'
import type { ReflectorNews, Timing } from './reflector.ts'
import { type RelayPod, relayPodOf } from './relay-pod.ts'
import { remembered } from './remembered.ts'
import { openServiceMonitors } from './service-monitors.ts'

/** How far each of our kinds has been heard: resource versions by kind, or by kind and namespace. */
export type Heard = Readonly<Record<string, string>>

export type World = {
  declared(): readonly DeclaredObject[]
  declaredAs(ref: Ref): DeclaredObject | undefined
  /** Objects whose namespace is being deleted: they go with it, and are not among `declared`. */
  going(): readonly DeclaredObject[]
  /**
   * Those of `going` that are policies which our finalizer keeps for nothing: the namespace takes their pods and volumes
   * along.
   */
  forsaken(): readonly DeclaredObject[]
  /** Labels by namespace. */
  namespaces(): ReadonlyMap<string, Readonly<Record<string, string>>>
  /**
   * The objects that carry the operator's label and the fleet's: the Services, the StatefulSet, and what else manifests make.
   */
  made(fleet: Name): readonly KubeObject[]
  pods(fleet: Name): readonly RelayPod[]
  /** Whether the pods of the fleet have been listed; before that, an empty answer of `pods` says nothing. */
  knowsPods(fleet: Name): boolean
  /** Whether the cluster knows the kind ServiceMonitor. */
  readonly serviceMonitors: boolean
  heard(): Heard
  /** Resolves when every one of our kinds has been listed anew, wherever it can be. */
  refresh(): Promise<void>
  /** The lists that compile goes by and that could not be read yet: what seems absent may be in one of them. */
  unread(): readonly Unread[]
  /** Resolves when everything has been listed once, or has been waited for long enough. */
  readonly synced: Promise<void>
  /** Until the signal ends; never rejects. */
  run(signal: AbortSignal): Promise<void>
}

export type WorldOptions = {
  readonly api: Api
  /** Empty: all namespaces. */
  readonly namespaces: readonly string[]
  /** Raised when something changed that compile or fleets depend on. */
  readonly dirty: Pick<Dirty, 'mark'>
  /** Pods or statuses changed: only to raise a flag. */
  readonly wake: () => void
  readonly tell?: (news: ReflectorNews) => void
  readonly timing?: Partial<Timing & Pace>
}

type Pace = {
  /** How long a list that can not be had is waited for before everything else goes on without it. */
  readonly patienceMs: number
  /** How often the labels of namespaces are asked for where they can not be watched. */
  readonly labelsMs: number
  /** How often to ask whether a kind that not every cluster knows is there. */
  readonly kindsMs: number
}

const ordinary: Pace = { patienceMs: 5000, labelsMs: 30_000, kindsMs: 120_000 }

const madeResources = [
  resources.statefulSets,
  resources.services,
  resources.disruptionBudgets,
  resources.networkPolicies,
] as const

export function openWorld({ api, namespaces, dirty, wake, tell, timing = {} }: WorldOptions): World {
  const changed = (): void => dirty.mark()
  const { patienceMs, labelsMs, kindsMs } = { ...ordinary, ...timing }
  const base = { api, namespaces, patienceMs, timing, ...(tell !== undefined && { tell }) }
  const scope = { labelSelector: oursSelector }
  const own = ownResources.map((resource) =>
    openMirror({ ...base, resource, keep: declaredIn, same: isSameDeclared, changed, renewed: wake }),
  )
  const made = madeResources.map((resource) => {
    const mirror = openMirror({ ...base, resource, scope, keep: madeIn, same: isSameMade, changed, renewed: wake })
    return { mirror, of: byFleet(mirror.values) }
  })
  const pods = openMirror({
    ...base,
    resource: resources.pods,
    scope,
    keep: (object) => ({ fleet: fleetOf(object), pod: relayPodOf(object) }),
    same: isDeepStrictEqual,
    changed: wake,
  })
  const podsOf = byFleet(pods.values)
  const serviceMonitors = openServiceMonitors({ ...base, changed, everyMs: kindsMs })
  const labels =
    namespaces.length === 0
      ? watchedNamespaces({ ...base, changed })
      : askedNamespaces({ ...base, names: namespaces, changed, everyMs: labelsMs })
  const parts = [...own, ...made.map((m) => m.mirror), pods, serviceMonitors, labels]
  const listed = remembered(
    () => own.map((m) => m.values()),
    (all) => all.filter((declared) => declared !== undefined),
  )
  const isLeaving = (ref: Ref): boolean => labels.leaving().size > 0 && labels.leaving().has(namespaceIn(ref))
  const going = (): readonly DeclaredObject[] =>
    labels.leaving().size === 0 ? [] : listed().filter(({ ref }) => isLeaving(ref))
  return {
    declared: () => (labels.leaving().size === 0 ? listed() : listed().filter(({ ref }) => !isLeaving(ref))),
    declaredAs(ref) {
      if (isLeaving(ref)) return undefined
      for (const mirror of own) {
        const declared = mirror.get(ref)
        if (declared !== undefined) return declared
      }
      return undefined
    },
    going,
    forsaken: () => going().filter(leaves),
    namespaces: labels.labels,
    made: (fleet) => [...made, serviceMonitors].flatMap((m) => m.of(fleet)).map((m) => m.object),
    pods: (fleet) => podsOf(fleet).map((p) => p.pod),
    knowsPods: (fleet) =>
      !pods.unread().some(({ namespace = splitName(fleet).namespace }) => namespace === splitName(fleet).namespace),
    get serviceMonitors() {
      return serviceMonitors.isKnown
    },
    heard: () => Object.assign({}, ...own.map((m) => m.heard())) as Heard,
    async refresh() {
      await Promise.all(own.map((m) => m.refresh()))
    },
    unread: () => [...own, labels].flatMap((m) => m.unread()),
    synced: Promise.all(parts.map((p) => p.synced)).then(() => undefined),
    async run(signal) {
      await Promise.all(parts.map((p) => p.run(signal)))
    },
  }
}

const leaves = (declared: DeclaredObject): boolean =>
  (declared.is === 'valid' ? (declared.resource as Policy).leaving : declared.invalid.leaving) === true

/** A status that changes needs no new compilation, since it is the operator that writes it; the store has it all the same. */
const isSameDeclared = (a: DeclaredObject | undefined, b: DeclaredObject | undefined): boolean =>
  isDeepStrictEqual(withoutStatus(a), withoutStatus(b))

const withoutStatus = (declared: DeclaredObject | undefined): unknown =>
  declared === undefined ? undefined : { ...declared, status: undefined, resourceVersion: undefined }
