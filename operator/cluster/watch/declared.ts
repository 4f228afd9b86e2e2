/** What an object of our kinds declares, judged once for each of its versions; only what is needed is kept. Pure. */
import { isDeepStrictEqual } from 'node:util'
import { kinds } from '../../../crds/kinds.ts'
import type { Kind } from '../../../crds/schema.ts'
import { validate } from '../../../crds/validate.ts'
import { ownAnnotations } from '../../compile/own-annotations.ts'
import { type Credential, type Domain, type Invalid, type Policy, type Ref, spelled } from '../../compile/snapshot.ts'
import type { KubeObject } from '../api/object.ts'
import { isCollected, isKept } from '../write/mail-finalizer.ts'

/**
 * One of our own kinds as it stands in the cluster. What is being deleted, alone or with its namespace, is gone for us; a
 * policy is there, and leaves, as long as its finalizer keeps it.
 */
export type DeclaredObject = {
  readonly ref: Ref
  readonly uid: string
  readonly resourceVersion: string
  /** Those of a policy, which keep it while it is being deleted; absent where it has none. */
  readonly finalizers?: readonly string[]
  /** The status as it was last heard of; empty where there is none. */
  readonly status: Readonly<Record<string, unknown>>
} & (
  | { readonly is: 'valid'; readonly resource: Policy | Domain | Credential }
  | { readonly is: 'invalid'; readonly invalid: Invalid }
)

/**
 * Undefined where the object is being deleted, since it is gone for us then; but not for a policy that our finalizer keeps
 * until its mail is gone. `before` is what this returned for the version before.
 */
export function declaredIn(object: KubeObject, before?: DeclaredObject): DeclaredObject | undefined {
  const { metadata } = object
  const leaves = metadata.deletionTimestamp !== undefined
  const isPolicy = object.kind === 'RelayPolicy'
  if (leaves && !(isPolicy && isKept(metadata) && !isCollected(metadata))) return undefined
  const named = { kind: object.kind as Invalid['kind'], namespace: metadata.namespace ?? '', name: metadata.name }
  const identity = {
    ...named,
    ...spelled(named),
    generation: metadata.generation ?? 1,
    creationTimestamp: metadata.creationTimestamp ?? '',
  }
  const status = (object['status'] ?? {}) as DeclaredObject['status']
  const { uid = '', resourceVersion = '', labels = {}, annotations, finalizers } = metadata
  const beside = isPolicy ? { ...ownAnnotations(annotations), ...(leaves && { leaving: true as const }) } : {}
  return {
    ref: identity.ref,
    uid,
    resourceVersion,
    ...(isPolicy && finalizers !== undefined && { finalizers }),
    status,
    ...asBefore(judged(object, { ...identity, ...beside }, labels), before),
  }
}

/** Where only the status has changed, the resource stays the very same object, so that nothing made of it is made anew. */
function asBefore(now: Judged, before: DeclaredObject | undefined): Judged {
  if (before?.is === 'valid' && now.is === 'valid') {
    return isDeepStrictEqual(now.resource, before.resource) ? { is: 'valid', resource: before.resource } : now
  }
  return now
}

type Identity = Omit<Invalid, 'problems' | 'spec'>
type Judged =
  | Pick<Extract<DeclaredObject, { is: 'valid' }>, 'is' | 'resource'>
  | Pick<Extract<DeclaredObject, { is: 'invalid' }>, 'is' | 'invalid'>

function judged(
  { apiVersion, kind, metadata, spec }: KubeObject,
  identity: Identity,
  labels: Policy['labels'],
): Judged {
  // Only these two: the API server has validated the rest of the metadata, and may add fields that our schema does not know.
  const { name, namespace } = metadata
  const result = validate(kindOf(kind), { apiVersion, kind, metadata: { name, namespace }, spec })
  if (!result.ok) {
    const problems = result.problems.map((p) => `${p.field}: ${p.message}`)
    return { is: 'invalid', invalid: { ...identity, problems, spec } }
  }
  const resource = { ...identity, labels, spec: result.spec } as Policy | Domain | Credential
  return { is: 'valid', resource }
}

function kindOf(name: string): Kind<never> {
  const found = kinds.find(({ kind }) => kind === name)
  if (found === undefined) throw new Error(`${name} is none of our kinds`)
  return found as Kind<never>
}
