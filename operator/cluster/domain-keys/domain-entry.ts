/** What is known of the keys of one SenderDomain, as long as this process leads; never a private one. */
import { isDeepStrictEqual } from 'node:util'
import type { Domain, Name } from '../../compile/snapshot.ts'
import type { DomainKeys } from '../../lifecycle/domain-keys.ts'
import { recordedDkimKeys } from '../../lifecycle/recorded-dkim-keys.ts'
import type { DeclaredObject } from '../watch/world.ts'

export type DomainEntry = {
  readonly name: Name
  readonly uid: string
  readonly namespace: string
  readonly dkim: NonNullable<Domain['spec']['dkim']>
  /** The mail domain. */
  readonly domain: string
  known: DomainKeys
}

/** The SenderDomains whose keys the operator has to know; of one with an error what is known stays. */
export function entriesOf(
  declared: readonly DeclaredObject[],
  before: ReadonlyMap<Name, DomainEntry>,
): ReadonlyMap<Name, DomainEntry> {
  const entries = new Map<Name, DomainEntry>()
  for (const object of declared) {
    if (!object.ref.startsWith('SenderDomain ')) continue
    const name = object.ref.slice(object.ref.indexOf(' ') + 1) as Name
    const entry = entryOf(object, name, before.get(name))
    if (entry !== undefined) entries.set(name, entry)
  }
  return entries
}

function entryOf(object: DeclaredObject, name: Name, before: DomainEntry | undefined): DomainEntry | undefined {
  const same = before?.uid === object.uid ? before : undefined
  if (object.is === 'invalid') return same ?? unknown(object, name)
  const { kind, spec, namespace } = object.resource
  if (kind !== 'SenderDomain' || spec.dkim === undefined || spec.dkim.mode === 'Off') return undefined
  const { dkim, domain } = spec
  if (same !== undefined && isDeepStrictEqual(same.dkim, dkim)) return same
  return { name, uid: object.uid, namespace, dkim, domain, known: same?.known ?? asRecorded(object) }
}

/** Until somebody has looked, the status goes on saying what it said. */
const asRecorded = ({ status }: DeclaredObject): DomainKeys => ({ keys: recordedDkimKeys(status), found: [] })

/** Nobody can say where its keys are. */
const unknown = (object: DeclaredObject, name: Name): DomainEntry => ({
  ...{ name, uid: object.uid, namespace: '', domain: '' },
  dkim: { mode: 'Off', signedBy: 'Relay' },
  known: asRecorded(object),
})
