/**
 * All keys of a domain, whether the operator makes them or its owner: which sign, what is reported, and what has to be made and
 * erased.
 */
import { type DkimKey, type HeldKey, isSameKey } from './dkim-key.ts'
import { type DkimObservations, type DkimWish, dkimStep, type NewKey } from './dkim-step.ts'
import type { DomainKeys, KeyCondition } from './domain-keys.ts'
import { rotationConditions } from './rotation-condition.ts'

/** The keys in the operator's own Secret (or folder) of the domain. While they can not be read, nothing is done to them. */
export type OwnKeys =
  | { readonly is: 'held'; readonly keys: readonly HeldKey[] }
  | { readonly is: 'trouble'; readonly found: KeyCondition }

export type KeysFacts = {
  readonly domain: string
  /** The keys that the owner provides; absent: the operator makes them. */
  readonly given?: DomainKeys
  /** For the keys that the operator makes. */
  readonly wish: DkimWish
  readonly own: OwnKeys
  readonly recorded: readonly DkimKey[]
  /** The keys as concluded last time, whether recorded or not, so that an unchanged stage keeps its time. */
  readonly before: readonly DkimKey[]
  readonly observations: Omit<DkimObservations, 'held'>
  readonly now: number
}

export type KeysStep = {
  readonly known: DomainKeys
  readonly make: readonly NewKey[]
  readonly erase: readonly string[]
}

const nothing = { make: [], erase: [] } as const

export function keysOfDomain(facts: KeysFacts): KeysStep {
  const { given, own, recorded } = facts
  // If the provided Secret can not be read, it is not known which keys are gone, so nothing changes.
  if (given !== undefined && given.sign === undefined) return { known: given, ...nothing }
  if (own.is === 'trouble' && given === undefined) return { known: { keys: recorded, found: [own.found] }, ...nothing }
  return stepped(facts, own.is === 'held' ? own.keys : [])
}

function stepped({ given, ...facts }: KeysFacts, held: readonly HeldKey[]): KeysStep {
  const { domain, wish, recorded, before, observations, now } = facts
  // By the selector alone, even for a different key: with two records at one name, a verifier would use neither.
  const isGiven = ({ selector }: HeldKey): boolean => given?.keys.some((g) => g.selector === selector) ?? false
  const types = given === undefined ? wish.types : []
  const rest = recorded.filter((key) => !isGiven(key))
  const step = dkimStep(rest, { ...wish, types }, { ...observations, held }, now)
  const own = step.keys.filter((key) => !isGiven(key)).map((key) => settled(key, before))
  const keys = [...(given?.keys ?? []), ...own]
  const sign = given?.sign ?? step.sign.flatMap((selector) => own.find((key) => key.selector === selector) ?? [])
  const lost = given === undefined ? sign.filter((key) => !held.some((h) => isSameKey(h, key))) : []
  const keepMs = wish.overlapMs + observations.expireAfterMs
  return {
    known: {
      sign: sign.map(({ selector, algorithm, publicKey }) => ({ selector, algorithm, publicKey })),
      ...(lost.length > 0 && { lost: lost.map(({ selector }) => selector) }),
      keys,
      found: [...(given?.found ?? []), ...rotationConditions({ domain, keys, keepMs })],
    },
    make: given === undefined ? step.make : [],
    erase: step.erase,
  }
}

const settled = (key: DkimKey, before: readonly DkimKey[]): DkimKey => {
  const same = before.find((b) => isSameKey(b, key) && b.stage === key.stage)
  return same !== undefined && Math.abs(same.since - key.since) < settleMs ? same : key
}
/** Within this time, the same stage is the same step, which merely has not been recorded yet. */
const settleMs = 3_600_000
