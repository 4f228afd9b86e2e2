/** What is known of the keys of one SenderDomain while this process leads; never a private key. */
import { isDeepStrictEqual } from 'node:util'
import { type Domain, isOf, type Name, nameIn, splitName } from '../../compile/snapshot.ts'
import { type DkimSpec, unsigned } from '../../lifecycle/dkim-wish.ts'
import type { DomainKeys } from '../../lifecycle/domain-keys.ts'
import { recordedDkimKeys } from '../../lifecycle/recorded-dkim-keys.ts'
import type { DeclaredObject } from '../watch/declared.ts'

export type DomainEntry = {
  readonly name: Name
  readonly owner: { readonly namespace: string; readonly name: string; readonly uid: string }
  readonly environment: Domain['spec']['environment']
  readonly dkim: DkimSpec
  readonly dns: Domain['spec']['dns']
  /** The mail domain. */
  readonly domain: string
  /** The SenderDomain has an error, so what is known of its keys stays as it is. */
  readonly isHeld: boolean
  known: DomainKeys
  /** `status.dkimKeys` when it was looked at last. */
  recorded: unknown
}

/** The SenderDomains whose keys the operator has to know: those that sign, and those that have keys from before. */
export function entriesOf(
  declared: readonly DeclaredObject[],
  before: ReadonlyMap<Name, DomainEntry>,
): ReadonlyMap<Name, DomainEntry> {
  const entries = new Map<Name, DomainEntry>()
  for (const object of declared) {
    if (!isOf(object.ref, 'SenderDomain')) continue
    const name = nameIn(object.ref)
    const entry = entryOf(object, name, before.get(name))
    if (entry !== undefined) entries.set(name, entry)
  }
  return entries
}

function entryOf(object: DeclaredObject, name: Name, before: DomainEntry | undefined): DomainEntry | undefined {
  const same = before?.owner.uid === object.uid ? before : undefined
  const known = same?.known ?? { keys: recordedDkimKeys(object.status), found: [] }
  if (object.is === 'invalid') return invalidEntry(object, name, same, known)
  const { kind, spec } = object.resource
  if (kind !== 'SenderDomain') return undefined
  const { dkim = unsigned, dns, domain, environment } = spec
  if (dkim.mode === 'Off' && known.keys.length === 0) return undefined
  const isSame = same?.environment === environment && isEqual(same.dkim, dkim) && isEqual(same.dns, dns)
  if (isSame && !same.isHeld) return same
  const owner = { ...splitName(name), uid: object.uid }
  return { name, owner, environment, dkim, dns, domain, isHeld: false, known, recorded: undefined }
}

const isEqual = <T>(a: T, b: T): boolean => a === b || isDeepStrictEqual(a, b)

function invalidEntry(object: DeclaredObject, name: Name, same: DomainEntry | undefined, known: DomainKeys) {
  if (same !== undefined) return same.isHeld ? same : { ...same, isHeld: true }
  return known.keys.length === 0 ? undefined : heldEntry(object, name, known)
}

/** For a SenderDomain with an error of which only the status is known: its status goes on saying what it said. */
function heldEntry({ uid }: DeclaredObject, name: Name, known: DomainKeys): DomainEntry {
  return {
    name,
    owner: { ...splitName(name), uid },
    environment: 'Production',
    dkim: unsigned,
    dns: { publisher: 'Manual', resolvers: [] },
    domain: '',
    isHeld: true,
    known,
    recorded: undefined,
  }
}
