/**
 * The DKIM keys of a directory's domains: those that its Secrets provide, and those that are made and kept in the state folder.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type RelayConfig, signingKeyFilesOf } from '../../relay/config.ts'
import { signingKeyFile } from '../compile/signing.ts'
import { type Domain, type Name, nameOf } from '../compile/snapshot.ts'
import type { Look } from '../dns/verifier.ts'
import type { DkimKey, HeldKey } from '../lifecycle/dkim-key.ts'
import { wishOf } from '../lifecycle/dkim-wish.ts'
import type { KeyCondition } from '../lifecycle/domain-keys.ts'
import { keyRecordIn } from '../lifecycle/key-record.ts'
import { type KeysFacts, type KeysStep, keysOfDomain } from '../lifecycle/keys-of-domain.ts'
import { longestExpiryMs } from '../lifecycle/longest-expiry.ts'
import { type HeldPem, type OwnKeysRead, ownKeysIn } from '../lifecycle/own-keys.ts'
import { type GivenSecret, providedKeys, providedPems } from '../lifecycle/provided-keys.ts'
import { recordedDkimKeys } from '../lifecycle/recorded-dkim-keys.ts'
import type { Directory } from './directory.ts'
import { diskTrouble } from './disk-trouble.ts'
import { isAbsent, mayBeThere } from './files.ts'
import type { Statuses } from './observed-statuses.ts'
import type { State } from './state.ts'

/** The last look at a domain's records; undefined: there was none yet. */
export type LookOf = (domain: Name) => Look | undefined

export type LocalKeys = KeysStep & {
  readonly domain: Domain
  /** All private keys that are at hand. */
  readonly pems: readonly HeldPem[]
}

export type KeyPlaces = {
  readonly directory: Directory
  readonly state: State
  readonly statuses: Statuses
  readonly running: ReadonlyMap<Name, RelayConfig>
  readonly look: LookOf
  readonly now: number
}

/** The keys of each SenderDomain. `pems` are private; compile may know only the rest (`known`). */
export function localDomainKeys(domains: readonly Domain[], places: KeyPlaces): ReadonlyMap<Name, LocalKeys> {
  const found = new Map<Name, LocalKeys>()
  for (const domain of domains) {
    const name = nameOf(domain)
    const recorded = recordedIn(places.statuses, name)
    if ((domain.spec.dkim?.mode ?? 'Off') === 'Off' && recorded.length === 0) continue
    found.set(name, keysOf(domain, name, recorded, places))
  }
  return found
}

function keysOf(domain: Domain, name: Name, recorded: readonly DkimKey[], places: KeyPlaces): LocalKeys {
  const given = givenKeys(domain, recorded, places)
  const read = ownKeysAt(domain.spec.domain, places.state.domainKeys(name))
  const own = read.is === 'whole' ? read.keys : []
  const { pems: _, ...provided } = given ?? { pems: undefined, keys: [], found: [] }
  const facts: KeysFacts = {
    domain: domain.spec.domain,
    ...(given !== undefined && { given: provided }),
    wish: wishOf(domain.spec),
    own:
      read.is === 'whole'
        ? { is: 'held', keys: own.map(({ pem: __, ...key }) => key) }
        : { is: 'trouble', found: damaged(places.state.domainKeys(name), read.why) },
    recorded,
    before: recorded,
    observations: observationsOf(domain, name, places),
    now: places.now,
  }
  return { ...keysOfDomain(facts), domain, pems: [...providedPems(given), ...own] }
}

export const recordedIn = (statuses: Statuses, name: Name): readonly DkimKey[] => {
  const status: Readonly<Record<string, unknown>> = statuses.get(`SenderDomain ${name}`) ?? {}
  return recordedDkimKeys(status)
}

/**
 * A relay may be using a key as long as the key's file is in its folder; the file is removed after the relay has stopped using
 * it.
 */
function observationsOf({ spec }: Domain, name: Name, { state, running, look, now }: KeyPlaces) {
  const seen = look(name)
  const named = new Set([...running.values()].flatMap(signingKeyFilesOf))
  const folders = state.fleets().map((fleet) => state.fleet(fleet).config)
  return {
    recordOf: (key: HeldKey) => (seen === undefined ? undefined : keyRecordIn(spec.domain, key, seen)),
    inUse: (key: HeldKey) => {
      const file = signingKeyFile(name, key)
      if (named.has(file)) return 'yes' as const
      return folders.some((folder) => mayBeThere(join(folder, file))) ? ('unknown' as const) : ('no' as const)
    },
    expireAfterMs: longestExpiryMs([...running.values()]),
    now,
  }
}

function givenKeys({ namespace, spec }: Domain, recorded: readonly DkimKey[], { directory, now }: KeyPlaces) {
  const secretRef = spec.dkim?.secretRef
  if (secretRef === undefined) return undefined
  const secret: Name = `${namespace}/${secretRef.name}`
  return providedKeys(spec.domain, secret, givenIn(directory, secret), recorded, now)
}

/** A Secret of the directory needs no label that allows reading it: whoever wrote the directory has given it to us. */
function givenIn({ objects }: Directory, name: Name): GivenSecret {
  const secret = objects.find((o) => o.declares === 'keyed' && o.kind === 'Secret' && o.name === name)
  if (secret?.declares !== 'keyed') return { is: 'absent' }
  return { is: 'there', data: new Map([...secret.values].map(([key, bytes]) => [key, Buffer.from(bytes).toString()])) }
}

/** What can not be read must not look as if it were not there: other keys would be made in its place. */
function ownKeysAt(domain: string, folder: string): OwnKeysRead {
  try {
    return ownKeysIn(domain, filesIn(folder))
  } catch (error) {
    return { is: 'damaged', why: diskTrouble(error) }
  }
}

function filesIn(folder: string): ReadonlyMap<string, string> {
  const names = namesIn(folder).filter((name) => name.endsWith('.pem'))
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (isAbsent(error)) return []
    throw error
  }
}

const damaged = (folder: string, why: string): KeyCondition => ({
  type: 'ResolvedRefs',
  status: 'False',
  reason: 'KeySecretDamaged',
  message: `${folder} can not be read: ${why}; restore it, or delete it to have new keys made (until then the keys that the relays have go on signing)`,
  field: 'spec.dkim.mode',
})

export const pemIn = (keys: ReadonlyMap<Name, LocalKeys>, name: Name, keyFile: string): string | undefined =>
  keys.get(name)?.pems.find((key) => signingKeyFile(name, key) === keyFile)?.pem
