/** Lets an operator's result be compared with what a fresh one makes of the same declared objects. */
import { type Api, accepted } from '../api.ts'
import { type Digest, digestOf } from '../whole/digest.ts'
import { declaredKinds } from './authors.ts'
import { ownedIn } from './owned.ts'
import { declaredIn } from './quiet.ts'

const plurals = { RelayPolicy: declaredKinds[0], SenderDomain: declaredKinds[1], RelayCredential: declaredKinds[2] }

/** Deletes all that the operator made, and all statuses; what people declared stays as it is. */
export async function forget(admin: Api, namespaces: readonly string[]): Promise<void> {
  for (const { path } of await ownedIn(admin, namespaces)) await admin.remove(path)
  for (const { kind, metadata } of await declaredIn(admin, namespaces)) {
    const plural = plurals[kind as keyof typeof plurals]
    const path = `/apis/relayfleet.dev/v1alpha1/namespaces/${metadata.namespace}/${plural}/${metadata.name}`
    accepted(await admin.patch(`${path}/status`, { status: null }))
  }
}

type Declared = {
  readonly status?: {
    readonly conditions?: readonly { type: string; status: string }[]
    readonly binding?: { readonly name: string }
  }
}

/** All objects, without what depends on history: earlier keys, and what is kept for those who may not submit at present. */
export async function standing(admin: Api, namespaces: readonly string[]): Promise<Digest> {
  const digest = await digestOf(admin, ...namespaces)
  return Object.fromEntries(
    Object.entries(digest).flatMap(([key, object]) => {
      if (isKept(key, object, digest)) return []
      // Which of its Secrets has the configuration depends on which one was free.
      return [[anyPlace(key), JSON.parse(anyPlace(JSON.stringify(plain(key, object))))]]
    }),
  )
}

/**
 * Whether only history explains an object: the binding of a credential that is not accepted, the keys of a domain that is not,
 * or a binding whose maker was killed before a status could name it.
 */
function isKept(key: string, object: unknown, digest: Digest): boolean {
  const { owners = [] } = object as { readonly owners?: readonly string[] }
  const [kind, name] = owners[0]?.split(' ') ?? []
  const [, namespace = ''] = key.match(/^\S+ ([^/]+)\//) ?? []
  if (kind === 'SenderDomain') return !isAccepted(digest[`senderdomains ${namespace}/${name}`] as Declared | undefined)
  if (kind !== 'RelayCredential') return false
  const credential = digest[`relaycredentials ${namespace}/${name}`] as Declared | undefined
  const isNamed = key.startsWith('configmaps') || key === `secrets ${namespace}/${credential?.status?.binding?.name}`
  return !isAccepted(credential) || !isNamed
}

const isAccepted = (declared: Declared | undefined): boolean =>
  declared?.status?.conditions?.some((c) => c.type === 'Accepted' && c.status === 'True') === true

const anyPlace = (text: string): string => text.replaceAll(/-relay-config-\d/g, '-relay-config-n')

/** Fields and conditions that depend on how far the cluster's controllers have come with pods that no node runs. */
const podsOf = ['pods', 'replicas', 'readyReplicas', 'spools']
const ofPods = ['Available', 'Programmed', 'Ready', 'ScalingDown', 'Degraded']

type Condition = { readonly type: string; readonly message: string }

const withoutPods = (status: object): object =>
  Object.fromEntries(Object.entries(status).filter(([name]) => !podsOf.includes(name)))

/** Without the keys that are retired, which are told only until their records are gone. */
function withoutRetired(value: readonly { readonly stage?: string; readonly purpose?: string }[]): unknown {
  const left = value.filter(({ stage, purpose }) => stage !== 'Retired' && purpose !== 'RetiredKey')
  return left.length === 0 ? undefined : left
}

function plain(key: string, object: unknown): unknown {
  const isPolicy = key.startsWith('relaypolicies')
  const isUnbound = key.startsWith('relaycredentials') && !isAccepted(object as Declared)
  // `mine` was added by hand, and the operator leaves it alone.
  const dropped = ['mine', 'relayfleet.dev/replaces-key', ...(isUnbound ? ['binding', 'keys'] : [])]
  return JSON.parse(
    JSON.stringify(object, (field, value) => {
      if (dropped.includes(field)) return undefined
      if (field === 'status' && isPolicy) return withoutPods(value)
      if (field === 'keys' && Array.isArray(value)) return value.filter(({ id = '' }) => !/before that/.test(id))
      if (field === 'dkimKeys' || field === 'records') return withoutRetired(value)
      if (field !== 'conditions') return value
      return (value as readonly Condition[])
        .filter((c) => c.type !== 'RotationPending')
        .map((c) => (isPolicy && ofPods.includes(c.type) ? { ...c, message: '' } : c))
        .toSorted((a, b) => (a.type < b.type ? -1 : 1))
    }),
  )
}
