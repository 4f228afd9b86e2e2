/** All keys of a domain, whoever makes them: what signs, what is told, what has to be made and erased. */
import type { DkimKey, HeldKey } from './dkim-key.ts'
import { type DkimObservations, type DkimWish, dkimStep, type NewKey } from './dkim-step.ts'
import type { DomainKeys, KeyCondition } from './domain-keys.ts'
import { rotationConditions } from './rotation-condition.ts'

/** What the operator's own Secret of the domain holds; where that can not be told, nothing is done to it. */
export type OwnKeys =
  | { readonly is: 'held'; readonly keys: readonly HeldKey[] }
  | { readonly is: 'trouble'; readonly found: KeyCondition }

export type KeysFacts = {
  readonly domain: string
  /** Absent: this operator makes the keys. */
  readonly given?: DomainKeys
  /** Of the keys that this operator makes. */
  readonly wish: DkimWish
  readonly own: OwnKeys
  readonly recorded: readonly DkimKey[]
  /** What was concluded last, recorded or not: what is the same has the same time. */
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
  // What can not be read says nothing about what has gone.
  if (given !== undefined && given.sign === undefined) return { known: given, ...nothing }
  if (own.is === 'trouble' && given === undefined) return { known: { keys: recorded, found: [own.found] }, ...nothing }
  return stepped(facts, own.is === 'held' ? own.keys : [])
}

function stepped({ given, ...facts }: KeysFacts, held: readonly HeldKey[]): KeysStep {
  const { domain, wish, recorded, before, observations, now } = facts
  // Also another key under its selector: of two records there a verifier takes neither.
  const isGiven = ({ selector }: HeldKey): boolean => given?.keys.some((g) => g.selector === selector) ?? false
  const types = given === undefined ? wish.types : []
  const rest = recorded.filter((key) => !isGiven(key))
  const step = dkimStep(rest, { ...wish, types }, { ...observations, held }, now)
  const own = step.keys.filter((key) => !isGiven(key)).map((key) => settled(key, before))
  const keys = [...(given?.keys ?? []), ...own]
  const sign = given?.sign ?? step.sign.flatMap((selector) => own.find((key) => key.selector === selector) ?? [])
  const lost = given === undefined ? sign.filter((key) => !held.some((h) => isSame(h, key))) : []
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

const isSame = (a: HeldKey, b: HeldKey): boolean => a.selector === b.selector && a.publicKey === b.publicKey

const settled = (key: DkimKey, before: readonly DkimKey[]): DkimKey => {
  const same = before.find((b) => isSame(b, key) && b.stage === key.stage)
  return same !== undefined && Math.abs(same.since - key.since) < settleMs ? same : key
}
/** Within that time the same stage is the same step, which is not recorded yet. */
const settleMs = 3_600_000
