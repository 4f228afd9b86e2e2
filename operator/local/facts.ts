/** A snapshot of this machine: what the YAML directory declares, and what the state folder knows. */
import { parseConfig, type RelayConfig } from '../../relay/config.ts'
import { brokenRecords } from '../broken-records.ts'
import { type BindingKeys, type Credential, type Name, nameOf, type Place, type Snapshot } from '../compile/snapshot.ts'
import type { Look } from '../dns/verifier.ts'
import type { DomainKeys } from '../lifecycle/domain-keys.ts'
import { recordsBefore } from '../records-saying.ts'
import { readKeys } from './credential-keys.ts'
import { declaredFacts } from './declared.ts'
import type { Directory } from './directory.ts'
import { localDomainKeys } from './domain-keys.ts'
import { textOf } from './files.ts'
import type { State } from './state.ts'
import { readStatuses } from './status-file.ts'

/** `look`: at the records of a domain, the last one; without one, what its status says. */
export function snapshotOf(
  directory: Directory,
  state: State,
  place: Place,
  look: (domain: Name) => Look | undefined = () => undefined,
): Snapshot {
  const declared = declaredFacts(directory.objects)
  const statuses = readStatuses(state.statusFile)
  const found = (name: Name) => look(name)?.found ?? recordsBefore(statuses.get(`SenderDomain ${name}`) ?? {})
  return {
    ...declared,
    unread: [...directory.unread, ...directory.doubted],
    bindingKeys: bindingKeys(declared.credentials, state),
    running: runningConfigs(state),
    place,
    domainKeys: withoutPems(localDomainKeys(directory, declared.domains, statuses, Date.now())),
    brokenRecords: brokenRecords(declared.domains, found, Date.now()),
  }
}

const withoutPems = (keys: ReturnType<typeof localDomainKeys>): ReadonlyMap<Name, DomainKeys> =>
  new Map([...keys].map(([name, { pems: _, ...known }]) => [name, known]))

/** This machine as a place for fleets. */
export const thisMachine = (lowPorts: boolean): Place => ({
  listenAddress: '127.0.0.1',
  clientHost: '127.0.0.1',
  lowPorts,
  relays: 1,
})

/** The name of a credential's binding Secret. */
export const secretNameOf = (credential: Credential): string => credential.spec.secretTemplate.name ?? credential.name

function bindingKeys(credentials: readonly Credential[], state: State): ReadonlyMap<Name, BindingKeys> {
  const found = new Map<Name, BindingKeys>()
  for (const credential of credentials) {
    const keys = readKeys(state, nameOf(credential), secretNameOf(credential))
    if (keys !== undefined) found.set(nameOf(credential), keys)
  }
  return found
}

function runningConfigs(state: State): ReadonlyMap<Name, RelayConfig> {
  const found = new Map<Name, RelayConfig>()
  for (const policy of state.fleets()) {
    const config = configOnDisk(state, policy)
    if (config !== undefined && config !== 'unreadable') found.set(policy, config)
  }
  return found
}

/** The configuration that a fleet last got; a file that is there and says nothing is not the same as none. */
export function configOnDisk(state: State, policy: Name): RelayConfig | 'unreadable' | undefined {
  const text = textOf(state.fleet(policy).configFile)
  if (text === undefined) return undefined
  try {
    return parseConfig(text)
  } catch {
    return 'unreadable'
  }
}
