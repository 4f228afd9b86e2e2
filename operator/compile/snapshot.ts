/** Snapshot: everything that compile may know, as plain facts; a secret's value is never among them. */
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
  /** RFC 3339, or empty where nobody stamped it; empty is the youngest. */
  readonly creationTimestamp: string
  readonly spec: Spec
} & Spelled
/** What is said of a policy beside its spec. */
export type BesideSpec = {
  /** Those of our own group; see `own-annotations.ts`. */
  readonly annotations?: Readonly<Record<string, string>>
  /** It is being deleted, and is there until its relays have no mail. */
  readonly leaving?: true
}
export type Policy = Resource<'RelayPolicy', RelayPolicySpec> & BesideSpec
export type Domain = Resource<'SenderDomain', SenderDomainSpec>
export type Credential = Resource<'RelayCredential', RelayCredentialSpec>

/** An object that is there and does not satisfy its schema: it keeps what it last had running. */
export type Invalid = BesideSpec & {
  readonly kind: KindName
  readonly namespace: string
  readonly name: string
  readonly generation: number
  readonly problems: readonly string[]
  readonly creationTimestamp?: string
  /** As it was written, good or bad: an error must not set free what the object claims, e.g. its domain. */
  readonly spec?: unknown
} & Spelled

/** What is known of a Secret or ConfigMap that is there; never a value. */
export type Keyed = {
  /** Absent where it is not known: then only the relays find out. */
  readonly type?: string
  readonly keys?: readonly string[]
}

export type BindingKeys = {
  readonly username: string
  /** All that are accepted, the newest first. */
  readonly keys: readonly Key[]
}

/** Who issues the tokens of service accounts, as far as it is known; its keys are public. */
export type TokenIssuer =
  | { readonly is: 'known'; readonly issuer: string; readonly keys: TokensConfig['keys'] }
  /** It could not be asked yet. */
  | { readonly is: 'unknown'; readonly why: string }

/** Where the fleets run: the difference between a cluster and this machine, as values. */
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
  /** Files or lists that could not be read: what is absent may be in there, so absence removes nothing. */
  readonly unread: readonly string[]
  /** The namespaces that these are in, where that is known; absent: any. */
  readonly unreadNamespaces?: ReadonlySet<string>
  /** Labels by namespace; a namespace that is not listed has only `kubernetes.io/metadata.name`. */
  readonly namespaces: ReadonlyMap<string, Readonly<Record<string, string>>>
  /** Whatever is in a namespace may be heard of before the namespace is: of one that is not listed nobody knows the labels yet. */
  readonly namespacesMayLag?: true
  readonly secrets: ReadonlyMap<Name, Keyed>
  readonly configMaps: ReadonlyMap<Name, Keyed>
  /** By RelayCredential; a credential without keys waits for its first one. */
  readonly bindingKeys: ReadonlyMap<Name, BindingKeys>
  /** The Secret that a credential still has by another name than it asks for now: its status names that one so long. */
  readonly formerSecrets?: ReadonlyMap<Name, string>
  /** The configuration that each fleet last got, by RelayPolicy. */
  readonly running: ReadonlyMap<Name, RelayConfig>
  /** Absent where there are no service accounts. */
  readonly tokenIssuer?: TokenIssuer
  readonly place: Place
  /** By SenderDomain: its records that have been broken for longer than its owner puts up with, `TXT example.org`. */
  readonly brokenRecords?: ReadonlyMap<Name, readonly string[]>
  /** By SenderDomain; of one that is not here nobody knows which keys it has now. */
  readonly domainKeys?: ReadonlyMap<Name, DomainKeys>
}

/**
 * The names of an object, spelled out once by whoever read it: the very same text each time is hashed once, and is found
 * in a map without being compared. Absent: they are put together where they are asked for.
 */
export type Spelled = { readonly id?: Name; readonly ref?: Ref }

type Named = { readonly namespace: string; readonly name: string } & Spelled
type Kinded = Named & { readonly kind: KindName }

export const nameOf = (o: Named): Name => o.id ?? `${o.namespace}/${o.name}`
export const refOf = (o: Kinded): Ref => o.ref ?? `${o.kind} ${nameOf(o)}`

/** What `nameOf` made a name of. */
export const namespaceOf = (name: Name): string => name.slice(0, name.indexOf('/'))

export const splitName = (whole: Name): { readonly namespace: string; readonly name: string } => {
  const slash = whole.indexOf('/')
  return { namespace: whole.slice(0, slash), name: whole.slice(slash + 1) }
}

/** Whether it is one of that kind. */
export const isOf = (ref: string, kind: KindName): boolean => ref.startsWith(kind) && ref[kind.length] === ' '

/** What `refOf` made a reference of, or who names a Secret. */
export const nameIn = (ref: `${string} ${Name}`): Name => ref.slice(ref.indexOf(' ') + 1) as Name
export const namespaceIn = (ref: `${string} ${Name}`): string => ref.slice(ref.indexOf(' ') + 1, ref.indexOf('/'))

export const kindIn = (ref: Ref): KindName => ref.slice(0, ref.indexOf(' ')) as KindName
export const splitRef = (ref: Ref) => ({ kind: kindIn(ref), ...splitName(nameIn(ref)) })

export function spelled({ kind, namespace, name }: Omit<Kinded, keyof Spelled>): Required<Spelled> {
  // Joined, a text is one piece; put together by a template, it stays in memory as its pieces, too.
  const id = [namespace, name].join('/') as Name
  return { id, ref: [kind, id].join(' ') as Ref }
}
