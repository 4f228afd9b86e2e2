/** Snapshot: all facts that compile may know, as plain values; never the value of a Secret. */
import type { KindName } from '../../crds/kinds.ts'
import type { RelayCredentialSpec } from '../../crds/relay-credential.ts'
import type { RelayPolicySpec } from '../../crds/relay-policy.ts'
import type { SenderDomainSpec } from '../../crds/sender-domain.ts'
import type { RelayConfig, TokensConfig } from '../../relay/config.ts'
import type { DomainKeys } from '../lifecycle/domain-keys.ts'
import type { Key } from '../lifecycle/keys.ts'

/** `Kind namespace/name`; see `refOf`. */
export type Ref = `${KindName} ${string}/${string}`
/** `namespace/name`. */
export type Name = `${string}/${string}`

export type Resource<K extends KindName, Spec> = {
  readonly kind: K
  readonly namespace: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly generation: number
  /** RFC 3339; empty where there is none, which counts as the youngest. */
  readonly creationTimestamp: string
  readonly spec: Spec
} & Spelled
/** What is said of a policy outside its spec. */
export type BesideSpec = {
  /** Only annotations of our own group; see `own-annotations.ts`. */
  readonly annotations?: Readonly<Record<string, string>>
  /** It is being deleted, and stays until its relays have no mail. */
  readonly leaving?: true
}
export type Policy = Resource<'RelayPolicy', RelayPolicySpec> & BesideSpec
export type Domain = Resource<'SenderDomain', SenderDomainSpec>
export type Credential = Resource<'RelayCredential', RelayCredentialSpec>

/** An object that exists but does not satisfy its schema: what it last had running stays. */
export type Invalid = BesideSpec & {
  readonly kind: KindName
  readonly namespace: string
  readonly name: string
  readonly generation: number
  readonly problems: readonly string[]
  readonly creationTimestamp?: string
  /** As it was written, valid or not: an error must not give up what the object claims, e.g. its domain. */
  readonly spec?: unknown
} & Spelled

/** What is known of an existing Secret or ConfigMap; never a value. */
export type Keyed = {
  /** `type` and `keys` are absent where they are not known; then only the relays can find out what is missing. */
  readonly type?: string
  readonly keys?: readonly string[]
}

export type BindingKeys = {
  readonly username: string
  /** All that are accepted, the newest first. */
  readonly keys: readonly Key[]
}

/** The issuer of service account tokens, as far as it is known; its keys are public ones. */
export type TokenIssuer =
  | { readonly is: 'known'; readonly issuer: string; readonly keys: TokensConfig['keys'] }
  /** It could not be asked yet. */
  | { readonly is: 'unknown'; readonly why: string }

/** Where fleets run. All differences between a cluster and this machine are values here, not branches in compile. */
export type Place = {
  /** What listeners bind to: `127.0.0.1` or `::`. */
  readonly listenAddress: string
  /** The host that clients connect to; absent: the Service, `<name>.<namespace>.svc`. */
  readonly clientHost?: string
  /** Whether a port below 1024 may be bound; where not, it moves up by 2000. */
  readonly lowPorts: boolean
  /** How many relays a fleet has, whatever its policy declares; absent: as declared. */
  readonly relays?: number
}

export type Snapshot = {
  readonly policies: readonly Policy[]
  readonly domains: readonly Domain[]
  readonly credentials: readonly Credential[]
  readonly invalid: readonly Invalid[]
  /** Files or lists that could not be read. A missing object may be in one of them, so nothing is removed while there are any. */
  readonly unread: readonly string[]
  /** The namespaces of what is unread, if that is known; absent: it may be of any namespace. */
  readonly unreadNamespaces?: ReadonlySet<string>
  /** Labels by namespace; a namespace that is not listed has only `kubernetes.io/metadata.name`. */
  readonly namespaces: ReadonlyMap<string, Readonly<Record<string, string>>>
  /** Namespaces may arrive later than the objects in them: the labels of a namespace that is not listed are not known yet. */
  readonly namespacesMayLag?: true
  readonly secrets: ReadonlyMap<Name, Keyed>
  readonly configMaps: ReadonlyMap<Name, Keyed>
  /** By RelayCredential; a credential without keys waits for its first one. */
  readonly bindingKeys: ReadonlyMap<Name, BindingKeys>
  /**
   * The former Secret of a credential that asks for another name now; its status names the former one until the new one is there.
   */
  readonly formerSecrets?: ReadonlyMap<Name, string>
  /** The configuration that each fleet last got, by RelayPolicy. */
  readonly running: ReadonlyMap<Name, RelayConfig>
  /** Absent where there are no service accounts. */
  readonly tokenIssuer?: TokenIssuer
  readonly place: Place
  /** By SenderDomain: those of its records that have been broken for longer than the owner's grace, as `TXT example.org`. */
  readonly brokenRecords?: ReadonlyMap<Name, readonly string[]>
  /** By SenderDomain; the present keys of a domain that is not in it are not known. */
  readonly domainKeys?: ReadonlyMap<Name, DomainKeys>
}

/**
 * The names of an object as texts, made once by the code that read it: looking up the very same string in a map costs V8 one
 * hash and no comparison. Absent: the names are built each time they are asked for.
 */
export type Spelled = { readonly id?: Name; readonly ref?: Ref }

type Named = { readonly namespace: string; readonly name: string } & Spelled
type Kinded = Named & { readonly kind: KindName }

export const nameOf = (o: Named): Name => o.id ?? `${o.namespace}/${o.name}`
export const refOf = (o: Kinded): Ref => o.ref ?? `${o.kind} ${nameOf(o)}`

/** What a reference of an object names: one of the object's own namespace, where the reference has none. */
export const referred = (
  ref: { readonly namespace?: string; readonly name: string },
  { namespace }: Pick<Named, 'namespace'>,
): Name => `${ref.namespace ?? namespace}/${ref.name}`

/** The namespace in a `namespace/name`. */
export const namespaceOf = (name: Name): string => name.slice(0, name.indexOf('/'))

export const splitName = (whole: Name): { readonly namespace: string; readonly name: string } => {
  const slash = whole.indexOf('/')
  return { namespace: whole.slice(0, slash), name: whole.slice(slash + 1) }
}

/** Whether a reference is to an object of this kind. */
export const isOf = (ref: string, kind: KindName): boolean => ref.startsWith(kind) && ref[kind.length] === ' '

/** The `namespace/name` in a `Kind namespace/name`. */
export const nameIn = (ref: `${string} ${Name}`): Name => ref.slice(ref.indexOf(' ') + 1) as Name
export const namespaceIn = (ref: `${string} ${Name}`): string => ref.slice(ref.indexOf(' ') + 1, ref.indexOf('/'))

export const kindIn = (ref: Ref): KindName => ref.slice(0, ref.indexOf(' ')) as KindName
export const splitRef = (ref: Ref) => ({ kind: kindIn(ref), ...splitName(nameIn(ref)) })

export function spelled({ kind, namespace, name }: Omit<Kinded, keyof Spelled>): Required<Spelled> {
  // `join` makes one flat string; a template would make a rope, which keeps its pieces in memory as well.
  const id = [namespace, name].join('/') as Name
  return { id, ref: [kind, id].join(' ') as Ref }
}
