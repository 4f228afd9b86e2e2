/** What an operator that begins with nothing makes of the very objects that are declared. */
import { type Api, accepted } from '../api.ts'
import { type Digest, digestOf } from '../whole/digest.ts'
import { declaredKinds } from './authors.ts'
import { ownedIn } from './owned.ts'
import { declaredIn } from './quiet.ts'

const plurals = { RelayPolicy: declaredKinds[0], SenderDomain: declaredKinds[1], RelayCredential: declaredKinds[2] }

/** All that the operator made goes, and all that it said; what people declared stays as it is. */
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

/** What stands, but for what only history tells: keys of before, and the Secret that somebody keeps who may not submit. */
export async function standing(admin: Api, namespaces: readonly string[]): Promise<Digest> {
  const digest = await digestOf(admin, ...namespaces)
  return Object.fromEntries(
    Object.entries(digest).flatMap(([key, object]) => {
      if (isKept(key, object, digest)) return []
      // Under which of its names a configuration is goes by what was free.
      return [[anyPlace(key), JSON.parse(anyPlace(JSON.stringify(plain(key, object))))]]
    }),
  )
}

/**
 * The binding of a credential that is not accepted, or the keys of a domain that is not; or a binding whose maker was killed
 * before any status could name it.
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

/** How far controllers of the cluster have come with pods that no node runs. */
const podsOf = ['pods', 'replicas', 'readyReplicas', 'spools']
const ofPods = ['Available', 'Programmed', 'Ready', 'ScalingDown', 'Degraded']

type Condition = { readonly type: string; readonly message: string }

const withoutPods = (status: object): object =>
  Object.fromEntries(Object.entries(status).filter(([name]) => !podsOf.includes(name)))

/** A key that no domain asks for any more is told until its record is gone. */
function withoutRetired(value: readonly { readonly stage?: string; readonly purpose?: string }[]): unknown {
  const left = value.filter(({ stage, purpose }) => stage !== 'Retired' && purpose !== 'RetiredKey')
  return left.length === 0 ? undefined : left
}

function plain(key: string, object: unknown): unknown {
  const isPolicy = key.startsWith('relaypolicies')
  const isUnbound = key.startsWith('relaycredentials') && !isAccepted(object as Declared)
  // What somebody adds by hand is theirs.
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
