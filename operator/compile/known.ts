/** Looks objects up by name. An invalid object is not absent, and neither is one that may be in what could not be read. */
import type { KindName } from '../../crds/kinds.ts'
import type { CredentialConfig } from '../../relay/config.ts'
import { byName } from './order.ts'
import {
  type Credential,
  type Domain,
  type Name,
  nameOf,
  namespaceOf,
  type Policy,
  refOf,
  type Snapshot,
} from './snapshot.ts'
import { mayBeUnread } from './unread.ts'

/** `doubtful`: the object exists but is invalid, or it may be in what could not be read. */
export type Found<T> =
  | { readonly is: 'there'; readonly object: T }
  | { readonly is: 'doubtful'; readonly why: 'invalid' | 'unread' }
  | { readonly is: 'absent' }

export type Known = {
  readonly snapshot: Snapshot
  /** Whether anything is invalid or unread. If not, nothing is doubtful, and no claim goes before others because of a doubt. */
  readonly hasDoubts: boolean
  /** Sorted by name. */
  readonly policies: readonly Policy[]
  readonly domains: readonly Domain[]
  readonly credentials: readonly Credential[]
  readonly policy: (name: Name) => Found<Policy>
  readonly domain: (name: Name) => Found<Domain>
  readonly credential: (name: Name) => Found<Credential>
  /**
   * Whether what runs under a name keeps what it has, before every other claim: either it is in doubt itself, or something
   * could not be read, where an older claim may be. Whether something can be read must change nothing for others.
   */
  readonly stands: <T>(found: Found<T>) => boolean
  /** What a fleet's relays know of a credential now. */
  readonly before: (fleet: Name, credential: Name) => CredentialConfig | undefined
}

export function knownIn(snapshot: Snapshot): Known {
  const invalid = new Set(snapshot.invalid.map(refOf))
  const missing = (kind: KindName, name: Name): Found<never> => {
    if (invalid.has(`${kind} ${name}`)) return { is: 'doubtful', why: 'invalid' }
    return mayBeUnread(snapshot, namespaceOf(name)) ? { is: 'doubtful', why: 'unread' } : { is: 'absent' }
  }
  const finder = <T extends Policy | Domain | Credential>(kind: KindName, objects: readonly T[]) => {
    const byItsName = new Map<Name, Found<T>>()
    for (const object of objects) byItsName.set(nameOf(object), { is: 'there', object })
    return (name: Name): Found<T> => byItsName.get(name) ?? missing(kind, name)
  }
  const entries = new Map<Name, ReadonlyMap<string, CredentialConfig>>()
  /** Built only when asked for, which most fleets are not. */
  const entriesOf = (fleet: Name): ReadonlyMap<string, CredentialConfig> => {
    const made = entries.get(fleet) ?? new Map(snapshot.running.get(fleet)?.credentials.map((c) => [c.name, c]))
    entries.set(fleet, made)
    return made
  }
  return {
    snapshot,
    hasDoubts: snapshot.invalid.length > 0 || snapshot.unread.length > 0,
    policies: snapshot.policies.toSorted(byName),
    domains: snapshot.domains.toSorted(byName),
    credentials: snapshot.credentials.toSorted(byName),
    policy: finder('RelayPolicy', snapshot.policies),
    domain: finder('SenderDomain', snapshot.domains),
    credential: finder('RelayCredential', snapshot.credentials),
    stands: (found) => found.is === 'doubtful' || (found.is === 'there' && snapshot.unread.length > 0),
    before: (fleet, credential) => entriesOf(fleet).get(credential),
  }
}
