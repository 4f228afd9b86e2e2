/** Compiled: all decisions, as plain values, which a Sink carries out. */
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

/** Something that a person should know about one object: a condition, and the field to change, if there is one. */
export type Finding = Condition & { readonly field?: string }

/** A file that a relay's configuration names, and the object and key that it comes from. */
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

/** `port` is what clients connect to, `target` what the relays have bound for it. */
export type ServicePort = { readonly name: string; readonly port: number; readonly target: number }

/**
 * `run`: the fleet gets this configuration. `hold`: it stays as it is, because its policy is invalid or may be unread; invalid is
 * not absent.
 */
export type CompiledFleet = {
  /** Ids of spools that a person has accepted in the place of those that relays had before; absent: none. */
  readonly acceptedSpools?: readonly string[]
  /** A person has given up the mail that leaving relays can not deliver before spec.availability.drainTimeout. */
  readonly discardQueue?: true
  /** The policy is being deleted: all relays leave, and the fleet is gone as soon as none of them has mail. */
  readonly leaving?: true
} & (
  | {
      readonly kind: 'run'
      readonly config: RelayConfig
      readonly replicas: number
      /** One for each listener, in their order. */
      readonly ports: readonly ServicePort[]
      /** The size of each relay's own volume, as a Kubernetes quantity. */
      readonly storage: string
      readonly availability: {
        /** How many relays may be away at the same time. */
        readonly maxUnavailable: number
        /** How long a leaving relay may take to deliver its mail. */
        readonly drainTimeoutMs: number
      }
      readonly files: readonly FileSource[]
    }
  | {
      readonly kind: 'hold'
      /**
       * Present only where something was revoked since: the running configuration without it. The Sink writes it over the
       * running one and changes nothing else. A hold never keeps a right that was taken away.
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
  /** Whether the listener's certificate is issued by the operator's own CA, which is then in the binding as `certificates`. */
  readonly issuedByOperator: boolean
}

/** The binding Secret that a credential should have, without its password. */
export type Binding = Door & {
  readonly secretName: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  /** The fleet whose relays have to accept a password before the Secret gets it. */
  readonly fleet: Name
  /** When its password is replaced. */
  readonly rotation: Rotation
}

/** A binding without a password, in a ConfigMap, for an application that logs in with a token or a certificate of its own. */
export type Guide = Door & { readonly configMapName: string }

export type Status = {
  readonly observedGeneration: number
  readonly conditions: readonly Condition[]
  readonly [field: string]: unknown
}

/** The DNS records that the operator asks external-dns to publish for a domain. */
export type Publication = {
  readonly records: readonly PublishedRecord[]
  /** Whether the owner relies on it (publisher DNSEndpoint); else a person may publish the records instead. */
  readonly isRequired: boolean
}

export type Compiled = {
  readonly fleets: ReadonlyMap<Name, CompiledFleet>
  /** By RelayCredential. */
  readonly bindings: ReadonlyMap<Name, Binding>
  /** By RelayCredential. */
  readonly guides: ReadonlyMap<Name, Guide>
  /**
   * Credentials whose binding Secret must stay as it is, if there is one: they can not be used now, or it is in doubt whether
   * they exist.
   */
  readonly heldBindings: ReadonlySet<Name>
  readonly findings: ReadonlyMap<Ref, readonly Finding[]>
  readonly statuses: ReadonlyMap<Ref, Status>
  /** Every Secret and ConfigMap that a policy refers to, found or not: a Source has to watch them. */
  readonly references: ReadonlySet<Reference>
  /** By SenderDomain: the DNS records that it should have. A domain that needs none is not in the map. */
  readonly domainChecks: ReadonlyMap<Name, DomainChecks>
  /**
   * By SenderDomain: what is to be published for it; no records where its owner does that by hand. A domain that is not in the
   * map stays as it is.
   */
  readonly publications: ReadonlyMap<Name, Publication>
}
