/** Compiled: the decisions, as plain values; a Sink carries them out. */
import type { RelayConfig } from '../../relay/config.ts'
import type { DomainChecks } from '../lifecycle/domain-checks.ts'
import type { Rotation } from '../lifecycle/keys.ts'
import type { PublishedRecord } from '../lifecycle/txt-record.ts'
import type { Name, Ref } from './snapshot.ts'

export type Condition = {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
}

/** Something a person should know about one object: a condition, and the field to change where there is one. */
export type Finding = Condition & { readonly field?: string }

/** A file that the relay's configuration names, and the object and key it comes from. */
export type FileSource = {
  /** Relative to the configuration's folder. */
  readonly path: string
  readonly from:
    | { readonly kind: 'Secret' | 'ConfigMap'; readonly name: Name; readonly key: string }
    /** Issued by the operator's own CA for these names and addresses. */
    | { readonly kind: 'issued'; readonly part: 'certificate' | 'key'; readonly hosts: readonly string[] }
}

/** A Secret or ConfigMap that a policy names. */
export type Reference = `${'Secret' | 'ConfigMap'} ${Name}`

/** A port that clients come by, and the port that the relays have bound for it. */
export type ServicePort = { readonly name: string; readonly port: number; readonly target: number }

/** Absent from the map: the fleet was deleted, and is removed. `hold`: it stays as it is (invalid is not absent). */
export type CompiledFleet = {
  /** Spools that a person lets take the place of those that relays had before; absent: none. */
  readonly acceptedSpools?: readonly string[]
  /** A person has given up mail that relays which are to leave can not deliver in their time. */
  readonly discardQueue?: true
  /** Its policy is being deleted: all relays are to leave, and it is gone when they have no mail. */
  readonly leaving?: true
} & (
  | {
      readonly kind: 'run'
      readonly config: RelayConfig
      readonly replicas: number
      /** One for each listener, in their order. */
      readonly ports: readonly ServicePort[]
      /** Of each relay's own volume: a quantity as it was declared. */
      readonly storage: string
      readonly availability: {
        /** How many relays may be away at one time. */
        readonly maxUnavailable: number
        /** How long a relay that is to leave may take. */
        readonly drainTimeoutMs: number
      }
      readonly files: readonly FileSource[]
    }
  | {
      readonly kind: 'hold'
      /**
       * Only where rights have been revoked since: the running configuration less those. The Sink writes it over the
       * running one and changes nothing else; a hold never keeps a right that was taken away.
       */
      readonly config?: RelayConfig
    }
)

/** Where an application submits, and as whom. */
export type Door = {
  readonly username: string
  readonly host: string
  readonly port: number
  /** `smtp` for StartTLS, `smtps` for Implicit. */
  readonly scheme: 'smtp' | 'smtps'
  /** True where the listener's certificate is from the operator's own CA, which then goes into `certificates`. */
  readonly issuedByOperator: boolean
}

/** The binding Secret that a credential is owed, without its password. */
export type Binding = Door & {
  readonly secretName: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  /** Whose relays have to accept a password before the Secret holds it. */
  readonly fleet: Name
  /** When its password is replaced. */
  readonly rotation: Rotation
}

/** The ConfigMap that a credential is owed whose application brings its own proof: a binding without a password. */
export type Guide = Door & { readonly configMapName: string }

export type Status = {
  readonly observedGeneration: number
  readonly conditions: readonly Condition[]
  readonly [field: string]: unknown
}

/** What is published by the operator's hands. */
export type Publication = {
  readonly records: readonly PublishedRecord[]
  /** Its owner counts on it; else a person may publish what is wanted. */
  readonly isRequired: boolean
}

export type Compiled = {
  readonly fleets: ReadonlyMap<Name, CompiledFleet>
  /** By RelayCredential. */
  readonly bindings: ReadonlyMap<Name, Binding>
  /** By RelayCredential. */
  readonly guides: ReadonlyMap<Name, Guide>
  /** Credentials whose binding Secret stays as it is, if there is one: they exist and are not usable now, or may exist. */
  readonly heldBindings: ReadonlySet<Name>
  readonly findings: ReadonlyMap<Ref, readonly Finding[]>
  readonly statuses: ReadonlyMap<Ref, Status>
  /** Every Secret and ConfigMap that was asked for, found or not: what a Source has to watch. */
  readonly references: ReadonlySet<Reference>
  /** By SenderDomain: the records that it has to have; absent where none are wanted. */
  readonly domainChecks: ReadonlyMap<Name, DomainChecks>
  /** By SenderDomain: what is to be published for it, nothing where its owner does so by hand; absent: it stays as it is. */
  readonly publications: ReadonlyMap<Name, Publication>
}
