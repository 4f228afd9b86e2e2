/** Keys that the domain's owner provides in a Secret: all of them sign, or findings say what is wrong with the Secret. */
import { type DkimKey, type HeldKey, isSameKey, keyTypeOf } from './dkim-key.ts'
import type { DomainKeys, KeyCondition } from './domain-keys.ts'
import { readHeldKey, selectorIn } from './held-key.ts'
import type { HeldPem } from './own-keys.ts'

/** What was found under the name in spec.dkim.secretRef. */
export type GivenSecret =
  | { readonly is: 'absent' }
  /** It lacks the label by which its owner allows the operator to read it. */
  | { readonly is: 'withheld' }
  | { readonly is: 'there'; readonly data: ReadonlyMap<string, string> }

export type ProvidedKeys = DomainKeys & {
  /** The usable private keys, PEM by selector. */
  readonly pems: ReadonlyMap<string, string>
}

/** Two of each kind, the present and the next; more would only add more signatures to each message. */
const most = 4
/**
 * A Secret has room for thousands of keys, and reading each takes time, so of a Secret with more than this only the number is
 * reported.
 */
const mostRead = 32
/** The label by which its owner allows the operator to read a Secret, and no more than that. */
export const givenLabel = 'relayfleet.dev/dkim-key'

const field = 'spec.dkim.secretRef'
const wrong = (reason: string, message: string): KeyCondition => ({
  type: 'ResolvedRefs',
  status: 'False',
  reason,
  message,
  field,
})

/** `domain` is the mail domain, `name` the Secret's `namespace/name`, `recorded` the keys in the status. */
export function providedKeys(
  domain: string,
  name: string,
  secret: GivenSecret,
  recorded: readonly DkimKey[],
  now: number,
): ProvidedKeys {
  const nothing = { keys: recorded, pems: new Map<string, string>() }
  switch (secret.is) {
    case 'absent':
      return { ...nothing, found: [wrong('SecretNotFound', notFound(name))] }
    case 'withheld':
      return { ...nothing, found: [wrong('SecretNotReadable', notReadable(name))] }
    case 'there':
      return inSecret(domain, name, secret.data, recorded, now)
  }
}

const stays = 'until then the keys that the relays have go on signing'
const notFound = (name: string): string =>
  `there is no Secret ${name}; create it with a private key in PEM under each selector (${stays})`
const notReadable = (name: string): string =>
  `Secret ${name} is not opened to relayfleet; label it ${givenLabel}=true (${stays})`

function inSecret(
  domain: string,
  name: string,
  data: ReadonlyMap<string, string>,
  recorded: readonly DkimKey[],
  now: number,
): ProvidedKeys {
  if (data.size > mostRead) return unusable(name, [tooMany(data.size)], recorded)
  const read = [...data].map(([key, pem]) => ({ key, pem, held: readHeldKey(domain, selectorIn(key), pem) }))
  const usable = read.flatMap(({ held, pem }) => (typeof held === 'string' ? [] : [{ held, pem }]))
  const faults = read.flatMap(({ key, held }) => (typeof held === 'string' ? [`${key}: ${held}`] : []))
  // DNS knows no capitals (RFC 4343): s1 and S1 would be two records at one name, of which receivers may use any.
  const names = usable.map(({ held }) => held.selector.toLowerCase())
  const twice = usable.filter((_, i) => names.indexOf(names[i] ?? '') !== i)
  const problems = [
    ...faults,
    ...twice.map(({ held }) => `two keys are called ${held.selector}`),
    ...(usable.length > most ? [tooMany(usable.length)] : []),
    ...(data.size === 0 ? ['it is empty'] : []),
  ]
  if (problems.length > 0) return unusable(name, problems, recorded)
  const held = usable.map((u) => u.held).toSorted(onTopFirst)
  return {
    sign: held,
    keys: held.map((key) => asRecorded(key, recorded, now)),
    found: [],
    pems: new Map(usable.map((u) => [u.held.selector, u.pem])),
  }
}

const tooMany = (keys: number): string => `it has ${keys} keys, and ${most} sign at most`

function unusable(name: string, problems: readonly string[], recorded: readonly DkimKey[]): ProvidedKeys {
  const message = `Secret ${name} can not be used: ${problems.join('; ')}; correct what is wrong (${stays})`
  return { keys: recorded, pems: new Map(), found: [wrong('InvalidSecret', message)] }
}

/** The keys that sign, with their PEM, for the code that gives them to the relays; none where nothing is provided. */
export const providedPems = (given: ProvidedKeys | undefined): readonly HeldPem[] =>
  (given?.sign ?? []).flatMap((key) => {
    const pem = given?.pems.get(key.selector)
    return pem === undefined ? [] : [{ ...key, pem }]
  })

/** The RSA signature is topmost, because a verifier that does not know Ed25519 then meets it first (RFC 8463 section 3). */
const rank = ({ algorithm }: HeldKey): number => (keyTypeOf(algorithm) === 'rsa' ? 0 : 1)
const onTopFirst = (a: HeldKey, b: HeldKey): number => rank(a) - rank(b) || (a.selector < b.selector ? -1 : 1)

/** A provided key is Active as soon as it is in the Secret: its owner is trusted to have published the record. */
function asRecorded(key: HeldKey, recorded: readonly DkimKey[], now: number): DkimKey {
  const before = recorded.find((r) => isSameKey(r, key))
  return { ...key, stage: 'Active', since: before?.stage === 'Active' ? before.since : now }
}
