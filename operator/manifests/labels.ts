/** How a fleet's objects are told from others: for the operator, for selectors, for people. */
import { type Name, splitName } from '../compile/snapshot.ts'
import type { Manifest } from './manifest.ts'

const policyLabel = 'relayfleet.dev/policy'

/** What an object must carry before the operator writes over it or removes it; a rule of the API server asks for it, too. */
const managedBy = { 'app.kubernetes.io/managed-by': 'relayfleet' } as const

/** What a part of relayfleet is called in the labels of its objects. `relay-pods` is the Service that is scraped. */
type Component = 'relay' | 'relay-pods'

/** Chooses the pods. It can not change in a StatefulSet, so it says the one thing that never does. */
export const selectorOf = (fleet: Name) => ({ matchLabels: { [policyLabel]: splitName(fleet).name } })

/**
 * Of a pod to which clients are sent. One that is to leave loses it, and stays ready: a StatefulSet updates no other pod
 * while one is not.
 */
export const takesMailLabel = 'relayfleet.dev/takes-mail'
export const takesMail = { [takesMailLabel]: 'true' } as const

export const labelsOf = (fleet: Name, component: Component = 'relay') => ({
  'app.kubernetes.io/name': 'relayfleet',
  'app.kubernetes.io/component': component,
  'app.kubernetes.io/instance': splitName(fleet).name,
  'app.kubernetes.io/part-of': 'relayfleet',
  ...managedBy,
  ...selectorOf(fleet).matchLabels,
})

export const metadataOf = (
  fleet: Name,
  name: string = splitName(fleet).name,
  component?: Component,
): Manifest['metadata'] => ({
  name,
  namespace: splitName(fleet).namespace,
  labels: labelsOf(fleet, component),
})
