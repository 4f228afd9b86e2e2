/** Whose an object is: ours by label, one fleet's by label and owner. What is not ours is never taken over. Pure. */
import { createHash } from 'node:crypto'
import { apiVersion, type KindName } from '../../../crds/kinds.ts'
import type { KubeObject, OwnerReference } from '../api/object.ts'

export const managedByLabel = 'app.kubernetes.io/managed-by'
export const policyLabel = 'relayfleet.dev/policy'
/** The label's value on all that is ours. */
export const operatorName = 'relayfleet'
/** Holds a hash of what was applied, so that an object tells by itself whether it is up to date. */
export const hashAnnotation = 'relayfleet.dev/applied-hash'

/** The label selector for all that is ours. */
export const oursSelector = `${managedByLabel}=${operatorName}`

/** On whose behalf an object is there. */
export type Owner = {
  /** The namespace of the owner, and of all that it owns. */
  readonly namespace: string
  readonly reference: OwnerReference
  /** Labels on its objects, beside the operator's own. */
  readonly labels: Readonly<Record<string, string>>
}

type Named = { readonly namespace: string; readonly name: string; readonly uid: string }

/** The owner of a fleet's objects. */
export const fleetOwner = (policy: Named): Owner => ownerOf('RelayPolicy', policy, { [policyLabel]: policy.name })

/** The owner of a binding Secret. */
export const credentialOwner = (credential: Named): Owner => ownerOf('RelayCredential', credential, noLabels)

/** The owner of the Secret with the keys of a domain, and of what is published for it. */
export const domainOwner = (domain: Named): Owner => ownerOf('SenderDomain', domain, noLabels)

const noLabels = {}

const ownerOf = (kind: KindName, { namespace, name, uid }: Named, labels: Owner['labels']): Owner => ({
  namespace,
  reference: { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true },
  labels,
})

/** The labels that say whose an object is. */
const marksOf = ({ labels }: Owner): Owner['labels'] => ({ [managedByLabel]: operatorName, ...labels })

export type Belonging =
  | 'ours'
  /** Somebody else's, or another fleet's: it stays as it is. */
  | 'foreign'
  /** It is being deleted; or it belongs to a deleted owner of the same name, with which the garbage collector removes it. */
  | 'leaving'

export function belongingOf({ metadata }: KubeObject, owner: Owner): Belonging {
  const { reference } = owner
  const marked = Object.entries(marksOf(owner)).every(([label, value]) => metadata.labels?.[label] === value)
  const controller = metadata.ownerReferences?.find((o) => o.controller === true)
  if (!marked || (controller !== undefined && !sameName(controller, reference))) return 'foreign'
  if (metadata.deletionTimestamp !== undefined) return 'leaving'
  return controller === undefined || controller.uid === reference.uid ? 'ours' : 'leaving'
}

/** The labels, as `name=value`, that are missing on an object which has this very owner: without them it is not written. */
export function lostLabels({ metadata }: KubeObject, owner: Owner): readonly string[] {
  const { uid } = owner.reference
  const isOwned = metadata.ownerReferences?.some((o) => o.controller === true && o.uid === uid) === true
  const marks = Object.entries(marksOf(owner))
  return isOwned ? marks.filter(([l, value]) => metadata.labels?.[l] !== value).map((mark) => mark.join('=')) : []
}

const sameName = (a: OwnerReference, b: OwnerReference): boolean =>
  a.kind === b.kind && a.name === b.name && a.apiVersion.split('/')[0] === b.apiVersion.split('/')[0]

/** The object as it is applied: marked as this owner's, with the hash of all of it. */
export function marked(object: KubeObject, owner: Owner): KubeObject {
  const { metadata } = object
  const whole = {
    ...object,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, ...marksOf(owner) },
      ownerReferences: [owner.reference],
    },
  }
  const annotations = { ...metadata.annotations, [hashAnnotation]: hashOf(whole) }
  return { ...whole, metadata: { ...whole.metadata, annotations } }
}

const hashOf = (object: KubeObject): string =>
  createHash('sha256')
    .update(JSON.stringify(sorted(object)))
    .digest('hex')
    .slice(0, 32)

/** The same fields in the same order, whoever wrote them down. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  )
}
