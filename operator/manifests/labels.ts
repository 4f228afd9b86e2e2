/** The labels of a fleet's objects, by which the operator, selectors and people recognise them. */
import { type Name, splitName } from '../compile/snapshot.ts'
import type { Manifest } from './manifest.ts'

const policyLabel = 'relayfleet.dev/policy'

/**
 * The operator changes and removes only objects with this label; for Secrets, the chart's ValidatingAdmissionPolicy enforces
 * that.
 */
const managedBy = { 'app.kubernetes.io/managed-by': 'relayfleet' } as const

/** The value of app.kubernetes.io/component. `relay-pods` is only for the headless Service, which is scraped. */
type Component = 'relay' | 'relay-pods'

/** Selects a fleet's pods. A StatefulSet's selector is immutable, so it has only the label that never changes. */
export const selectorOf = (fleet: Name) => ({ matchLabels: { [policyLabel]: splitName(fleet).name } })

/**
 * The label of pods to which the Service sends clients. A leaving pod loses it but stays ready, because a StatefulSet updates no
 * other pod while one is not ready.
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
