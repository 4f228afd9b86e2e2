/** A snapshot out of what the cluster declares and what else is known of it. Pure. */
import { brokenRecords } from '../broken-records.ts'
import { secretNameOf } from '../compile/binding.ts'
import {
  type BindingKeys,
  type Credential,
  type Domain,
  type Invalid,
  isOf,
  type Name,
  nameIn,
  nameOf,
  type Place,
  type Policy,
  type Snapshot,
} from '../compile/snapshot.ts'
import type { Look } from '../dns/verifier.ts'
import type { DomainKeys } from '../lifecycle/domain-keys.ts'
import { recordedDkimKeys } from '../lifecycle/recorded-dkim-keys.ts'
import { recordsBefore } from '../records-saying.ts'
import { recordedKeys } from './bindings/recorded-keys.ts'
import type { DeclaredObject } from './watch/declared.ts'
import type { Unread } from './watch/mirror.ts'

/** A relay in a pod of its own listens on all addresses, and on ports above 1023; clients reach it through its Service. */
export const inCluster: Place = { listenAddress: '::', lowPorts: false }

type Here = 'bindingKeys' | 'formerSecrets' | 'unread' | 'unreadNamespaces' | 'namespacesMayLag'

export type Facts = Omit<Snapshot, keyof Declared | Here> & {
  readonly unread: readonly Unread[]
  readonly declared: readonly DeclaredObject[]
  /** By RelayCredential, what its Secret was found or made to hold: newer than what its status says. */
  readonly keys: ReadonlyMap<Name, BindingKeys>
  readonly formerNames?: ReadonlyMap<Name, string>
  /** What was seen when the records of a domain were last looked at; where there is none, its status counts. */
  readonly look?: (domain: Name) => Look | undefined
  /** Milliseconds since the epoch; absent: broken records are not considered. */
  readonly now?: number
}

export function assemble({ declared, keys, formerNames = new Map(), unread, look, now, ...facts }: Facts): Snapshot {
  const bound = { bindingKeys: bindingKeys(declared, keys), formerSecrets: formerSecrets(declared, keys, formerNames) }
  const objects = sorted(declared)
  const broken = now === undefined ? {} : { brokenRecords: brokenIn(objects, declared, look, now) }
  return { ...objects, ...facts, namespacesMayLag: true, ...doubts(unread), ...bound, ...broken }
}

function doubts(unread: readonly Unread[]): Pick<Snapshot, 'unread' | 'unreadNamespaces'> {
  const namespaces = unread.map((u) => u.namespace).filter((n) => n !== undefined)
  return {
    unread: unread.map((u) => u.what),
    ...(namespaces.length === unread.length && { unreadNamespaces: new Set(namespaces) }),
  }
}

type Declared = Pick<Snapshot, 'policies' | 'domains' | 'credentials' | 'invalid'>

function sorted(declared: readonly DeclaredObject[]): Declared {
  const [policies, domains, credentials, invalid]: [Policy[], Domain[], Credential[], Invalid[]] = [[], [], [], []]
  for (const object of declared) {
    if (object.is === 'invalid') invalid.push(object.invalid)
    else if (object.resource.kind === 'RelayPolicy') policies.push(object.resource)
    else if (object.resource.kind === 'SenderDomain') domains.push(object.resource)
    else credentials.push(object.resource)
  }
  return { policies, domains, credentials, invalid }
}

function bindingKeys(declared: readonly DeclaredObject[], keys: Facts['keys']): Snapshot['bindingKeys'] {
  const found = new Map<Name, BindingKeys>()
  for (const object of declared) {
    const declares = object.is === 'valid' ? object.resource : object.invalid
    if (declares.kind !== 'RelayCredential') continue
    const credential = nameOf(declares)
    const known = keys.get(credential) ?? recordedKeys(object.status)
    if (known !== undefined) found.set(credential, known)
  }
  return found
}

/** What this operator has seen itself is newer than what a status says. */
function brokenIn(
  { domains }: Declared,
  declared: readonly DeclaredObject[],
  look: Facts['look'] = () => undefined,
  now: number,
): ReadonlyMap<Name, readonly string[]> {
  const caring = domains.filter(({ spec }) => spec.whenBroken.action !== 'Warn')
  if (caring.length === 0) return new Map()
  const statuses = new Map(declared.map(({ ref, status }) => [ref, status]))
  const said = (name: Name) => recordsBefore(statuses.get(`SenderDomain ${name}`) ?? {})
  return brokenRecords(caring, (name) => look(name)?.found ?? said(name), now)
}

/**
 * By RelayCredential, the Secret that its status names, where another name is owed now. What this operator knows of a Secret
 * itself (by `keys` or `formerNames`) goes before its status.
 */
function formerSecrets(
  declared: readonly DeclaredObject[],
  keys: Facts['keys'],
  formerNames: ReadonlyMap<Name, string>,
): ReadonlyMap<Name, string> {
  const found = new Map(formerNames)
  for (const object of declared) {
    if (object.is === 'invalid' || object.resource.kind !== 'RelayCredential') continue
    const credential = nameOf(object.resource)
    const { name } = (object.status['binding'] ?? {}) as { readonly name?: unknown }
    const isOther = typeof name === 'string' && name !== secretNameOf(object.resource)
    if (isOther && !keys.has(credential) && !found.has(credential)) found.set(credential, name)
  }
  return found
}

/** By SenderDomain, the keys that its status tells of: all that is known to a caller which does not look at Secrets. */
export const recordedDomainKeys = (declared: readonly DeclaredObject[]): ReadonlyMap<Name, DomainKeys> =>
  new Map(
    declared.flatMap(({ ref, status }) => {
      const keys = isOf(ref, 'SenderDomain') ? recordedDkimKeys(status) : []
      return keys.length === 0 ? [] : [[nameIn(ref), { keys, found: [] }] as const]
    }),
  )

/** Every policy whose fleet may run; one with an error counts, since its fleet goes on with what it had. */
export const policyNames = (declared: readonly DeclaredObject[]): readonly Name[] =>
  declared
    .filter(({ ref }) => isOf(ref, 'RelayPolicy'))
    .map((object) => nameOf(object.is === 'valid' ? object.resource : object.invalid))
