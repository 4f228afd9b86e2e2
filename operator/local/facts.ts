/** Makes the snapshot of local mode: what the YAML directory declares, and what the state folder has recorded. */
import { parseConfig, type RelayConfig } from '../../relay/config.ts'
import { brokenRecords } from '../broken-records.ts'
import { secretNameOf } from '../compile/binding.ts'
import { type BindingKeys, type Credential, type Name, nameOf, type Place, type Snapshot } from '../compile/snapshot.ts'
import type { DomainKeys } from '../lifecycle/domain-keys.ts'
import { recordsBefore } from '../records-saying.ts'
import { readKeys } from './credential-keys.ts'
import { type DeclaredFacts, declaredFacts } from './declared.ts'
import type { Directory } from './directory.ts'
import { type KeyPlaces, type LookOf, localDomainKeys, recordedIn } from './domain-keys.ts'
import { keptText } from './files.ts'
import { formerSecretsIn } from './former-secrets.ts'
import type { State } from './state.ts'
import { readStatuses } from './status-file.ts'

/** `look` returns the last look at a domain's records. Without one, the domain's status tells of the records. */
export function snapshotOf(directory: Directory, state: State, place: Place, look: LookOf = () => undefined): Snapshot {
  const declared = declaredFacts(directory.objects)
  const places = keyPlaces(directory, state, look)
  const keys = bindingKeys(declared.credentials, state, places.running)
  const asked = declared.credentials.map((credential) => [nameOf(credential), secretNameOf(credential)] as const)
  const found = (name: Name) => look(name)?.found ?? recordsBefore(places.statuses.get(`SenderDomain ${name}`) ?? {})
  return {
    ...declared,
    unread: [...directory.unread, ...directory.doubted],
    bindingKeys: keys,
    formerSecrets: formerSecretsIn(
      state,
      asked.filter(([name]) => keys.has(name)),
    ),
    running: places.running,
    place,
    domainKeys: domainKeys(declared, places),
    brokenRecords: brokenRecords(declared.domains, found, places.now),
  }
}

/** The keys of all domains. For an invalid domain, those that its status records, so that the status goes on showing them. */
function domainKeys({ domains, invalid }: DeclaredFacts, places: KeyPlaces): ReadonlyMap<Name, DomainKeys> {
  const held = invalid.filter(({ kind }) => kind === 'SenderDomain').map(nameOf)
  return new Map<Name, DomainKeys>([
    ...held.map((name) => [name, { keys: recordedIn(places.statuses, name), found: [] }] as const),
    ...[...localDomainKeys(domains, places)].map(([name, { known }]) => [name, known] as const),
  ])
}

export const keyPlaces = (directory: Directory, state: State, look: LookOf): KeyPlaces => ({
  ...{ directory, state, look },
  statuses: readStatuses(state.statusFile),
  running: runningConfigs(state),
  now: Date.now(),
})

/** This machine as a place for fleets. */
export const thisMachine = (lowPorts: boolean): Place => ({
  listenAddress: '127.0.0.1',
  clientHost: '127.0.0.1',
  lowPorts,
  relays: 1,
})

function bindingKeys(
  credentials: readonly Credential[],
  state: State,
  running: ReadonlyMap<Name, RelayConfig>,
): ReadonlyMap<Name, BindingKeys> {
  const had = new Map([...running.values()].flatMap((config) => config.credentials.map((c) => [c.name as Name, c])))
  const found = new Map<Name, BindingKeys>()
  for (const credential of credentials) {
    const name = nameOf(credential)
    const keys = readKeys(state, name, secretNameOf(credential), had.get(name))
    if (keys !== undefined) found.set(name, keys)
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

/** The configuration that a fleet last got. A file that exists but can not be used is not the same as no file. */
export function configOnDisk(state: State, policy: Name): RelayConfig | 'unreadable' | undefined {
  try {
    const text = keptText(state.fleet(policy).configFile)
    return text === undefined ? undefined : parseConfig(text)
  } catch {
    return 'unreadable'
  }
}
