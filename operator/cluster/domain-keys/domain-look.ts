/** One look at the keys of a SenderDomain: reads its Secrets, decides what follows, and makes or erases keys. */
import type { Name } from '../../compile/snapshot.ts'
import type { DkimKey } from '../../lifecycle/dkim-key.ts'
import type { KeySighting } from '../../lifecycle/dkim-line-facts.ts'
import { wishOf } from '../../lifecycle/dkim-wish.ts'
import { type KeysFacts, type KeysStep, keysOfDomain } from '../../lifecycle/keys-of-domain.ts'
import type { HeldPem } from '../../lifecycle/own-keys.ts'
import { type ProvidedKeys, providedKeys, providedPems } from '../../lifecycle/provided-keys.ts'
import { newSigningKey } from '../../new-signing-key.ts'
import { Leaving, type Writing } from '../write/apply.ts'
import { domainOwner } from '../write/ownership.ts'
import type { DomainEntry } from './domain-entry.ts'
import { givenSecret } from './given-secret.ts'
import { keyTroubles } from './key-troubles.ts'
import { type OwnSecret, ownSecret, ownSecretName, writeOwnSecret } from './own-secret.ts'

export type DomainSights = {
  /** The keys in the status as it is now. */
  readonly recorded: readonly DkimKey[]
  readonly recordOf: (key: DkimKey) => KeySighting['record']
  readonly inUse: (key: DkimKey) => KeySighting['inUse']
  readonly expireAfterMs: number
  readonly now: number
}

type Whole = Extract<OwnSecret, { is: 'whole' }>

/**
 * What is known of the keys after this look.
 * @throws ApiError for trouble that passes, a conflict among it; Leaving; Deposed where a key is due and another operator
 * makes it
 */
export async function lookAtKeys(
  entry: DomainEntry,
  sights: DomainSights,
  writing: Writing,
): Promise<KeysStep['known']> {
  const given = await givenKeys(entry, sights, writing)
  const secret = await ownOf(entry, writing)
  const step = keysOfDomain(factsOf(entry, sights, given, secret))
  if (secret.is !== 'whole' || step.make.length + step.erase.length === 0) return step.known
  const now = await writeOwnSecret(
    ownSecretName(entry.owner.name),
    domainOwner(entry.owner),
    await changedKeys(entry, secret, step, sights.now),
    secret.before,
    writing,
  )
  return keysOfDomain(factsOf(entry, sights, given, now)).known
}

/** The private keys that are at hand now, with their selectors and PEM: those that were given first, then our own. */
export async function pemsOf(entry: DomainEntry, sights: DomainSights, writing: Writing) {
  const given = await givenKeys(entry, sights, writing)
  const secret = await ownOf(entry, writing)
  const own = secret.is === 'whole' ? secret.keys : []
  return [...providedPems(given), ...own]
}

async function givenKeys(entry: DomainEntry, { recorded, now }: DomainSights, writing: Writing) {
  const name = entry.dkim.secretRef?.name
  if (name === undefined) return undefined
  const { domain, owner, known } = entry
  const { namespace } = owner
  const secret = await givenSecret(writing.api, { namespace, name }, writing.signal)
  return providedKeys(domain, `${namespace}/${name}`, secret, known.keys.length > 0 ? known.keys : recorded, now)
}

async function ownOf(entry: DomainEntry, writing: Writing): Promise<OwnSecret> {
  const name = ownSecretName(entry.owner.name)
  const secret = await ownSecret(entry.domain, name, domainOwner(entry.owner), writing)
  if (secret.is === 'leaving') throw new Leaving(`Secret ${entry.owner.namespace}/${name} is still being deleted`)
  return secret
}

function factsOf(
  entry: DomainEntry,
  { recorded, recordOf, inUse, expireAfterMs, now }: DomainSights,
  given: ProvidedKeys | undefined,
  secret: OwnSecret,
): KeysFacts {
  const { domain, known } = entry
  const { pems: _, ...provided } = given ?? { pems: undefined, keys: [], found: [] }
  return {
    domain,
    ...(given !== undefined && { given: provided }),
    wish: wishOf(entry),
    own: ownKeys(entry, secret),
    recorded,
    before: known.keys,
    observations: { recordOf, inUse, expireAfterMs },
    now,
  }
}

function ownKeys({ owner }: DomainEntry, secret: OwnSecret): KeysFacts['own'] {
  const name: Name = `${owner.namespace}/${ownSecretName(owner.name)}`
  switch (secret.is) {
    case 'whole':
      return { is: 'held', keys: secret.keys.map(({ pem: _, ...key }) => key) }
    case 'damaged':
      return { is: 'trouble', found: keyTroubles.damaged(name, secret.why) }
    case 'foreign':
    case 'leaving':
      return { is: 'trouble', found: keyTroubles.notOwned(name) }
  }
}

async function changedKeys(
  { dkim, environment, domain }: DomainEntry,
  { keys }: Whole,
  { make, erase }: KeysStep,
  now: number,
): Promise<readonly HeldPem[]> {
  const naming = { prefix: dkim.selectorPrefix, environment, now }
  const made = await Promise.all(make.map((key) => newSigningKey(domain, key, naming)))
  return [...keys.filter(({ selector }) => !erase.includes(selector)), ...made]
}
