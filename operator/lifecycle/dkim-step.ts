/**
 * Takes a domain's DKIM keys one step further: what is recorded next follows from what is seen, and what is done from what is
 * recorded already.
 */
import type { Delegated } from './delegated-selectors.ts'
import { type DkimKey, type HeldKey, isSameKey, keyTypeOf } from './dkim-key.ts'
import { nextInLine, nextMomentOf, signerOf, wantsNext } from './dkim-line.ts'
import type { KeySighting, LineFacts } from './dkim-line-facts.ts'
import type { KeyType } from './dkim-record.ts'
import { isOver, nextSelector } from './dkim-turns.ts'

export type DkimWish = {
  /** The kinds of keys that should sign; empty: none any more. */
  readonly types: readonly KeyType[]
  /** How long a key signs before the next is made; absent: keys are not replaced by time. */
  readonly everyMs?: number
  readonly overlapMs: number
  /** The selectors on which keys take turns; absent: each key gets a new one. */
  readonly delegated?: Delegated
}

/** A key that has to be made; without a selector, it gets a new one that has never been used. */
export type NewKey = { readonly type: KeyType; readonly selector?: string }

export type DkimObservations = {
  /** The private keys that exist. While that is not known, no step may be taken. */
  readonly held: readonly HeldKey[]
  readonly recordOf: (key: DkimKey) => KeySighting['record']
  readonly inUse: (key: DkimKey) => KeySighting['inUse']
  /** How long the relays keep mail at most, in milliseconds. */
  readonly expireAfterMs: number
}

export type DkimStep = {
  /** To be recorded in the status, before anything follows from it. */
  readonly keys: readonly DkimKey[]
  /** At most one of each kind. */
  readonly make: readonly NewKey[]
  /** The selectors that sign; the first one's signature is the topmost in the header. */
  readonly sign: readonly string[]
  /** Keys whose DNS records must be there; all other records have to go. */
  readonly publish: readonly DkimKey[]
  /** Selectors whose private keys have to go. */
  readonly erase: readonly string[]
  /** When to look again though nothing has changed. */
  readonly at?: number
}

/** RSA is topmost, because a verifier that does not know Ed25519 then meets the RSA signature first (RFC 8463 section 3). */
const types: readonly KeyType[] = ['rsa', 'ed25519']

const isOf =
  (type: KeyType) =>
  ({ algorithm }: HeldKey): boolean =>
    keyTypeOf(algorithm) === type

export function dkimStep(
  recorded: readonly DkimKey[],
  wish: DkimWish,
  observations: DkimObservations,
  now: number,
): DkimStep {
  const { held } = observations
  const lines = types.map((type) => {
    const line = recorded.filter(isOf(type))
    const facts = lineFacts(type, wish, observations, now)
    const next = nextInLine([...line, ...newcomers(line, held.filter(isOf(type)), facts)], facts)
    return { type, line, facts, next }
  })
  const moments = lines.flatMap(({ line, facts }) => nextMomentOf(line, facts) ?? [])
  const isErased = (key: HeldKey): boolean => recorded.some((r) => r.stage === 'Retired' && isSameKey(r, key))
  return {
    keys: lines.flatMap(({ next }) => next),
    make: lines.filter(({ next, facts }) => wantsNext(next, facts)).map(newKey),
    sign: lines.flatMap((line) => signing(line)?.selector ?? []),
    publish: lines.flatMap(published),
    erase: held.filter(isErased).map(({ selector }) => selector),
    ...(moments.length > 0 && { at: Math.min(...moments) }),
  }
}

type Line = {
  readonly type: KeyType
  readonly line: readonly DkimKey[]
  readonly facts: LineFacts
  readonly next: readonly DkimKey[]
}

function newKey({ type, next, facts }: Line): NewKey {
  const selector = nextSelector(next, facts)?.selector
  return { type, ...(selector !== undefined && { selector }) }
}

/** The key that signs: the recorded signer; if the status has none (it was lost), the one that relays are using. */
const signing = ({ line, facts, next }: Line): DkimKey | undefined =>
  facts.isWanted
    ? (signerOf(line) ?? next.findLast((key) => key.stage !== 'Retired' && facts.sightingOf(key).inUse === 'yes'))
    : undefined

/** A key's record is published from the moment when its private key exists, until Retired is recorded. */
const published = ({ line, next }: Line): readonly DkimKey[] => {
  const fresh = next.filter((key) => !line.some((known) => isSameKey(known, key)))
  return [...line.filter(({ stage }) => stage !== 'Retired'), ...fresh]
}

/**
 * Keys that exist but are not recorded: made just before a crash, or the status was lost. A key never takes over the selector
 * of another one that is not retired yet.
 */
const newcomers = (
  line: readonly DkimKey[],
  held: readonly HeldKey[],
  { delegated, now }: LineFacts,
): readonly DkimKey[] =>
  held
    .filter((key) =>
      line.every((known) => known.selector !== key.selector || (isOver(known) && !isSameKey(known, key))),
    )
    .toSorted((a, b) => (a.selector < b.selector ? -1 : 1))
    .map((key) => {
      const delegatedTo = delegated?.find(({ selector }) => selector === key.selector)?.delegatedTo
      return { ...key, stage: 'Pending', since: now, ...(delegatedTo !== undefined && { delegatedTo }) }
    })

function lineFacts(type: KeyType, wish: DkimWish, observations: DkimObservations, now: number): LineFacts {
  const { held, recordOf, inUse, expireAfterMs } = observations
  const sightingOf = (asked: DkimKey): KeySighting => {
    const record = recordOf(asked)
    const isHeld = held.some((key) => isSameKey(key, asked))
    return { ...(record !== undefined && { record }), isHeld, inUse: inUse(asked) }
  }
  const { everyMs, overlapMs } = wish
  const delegated = wish.delegated?.[type]
  return {
    sightingOf,
    isWanted: wish.types.includes(type),
    ...(everyMs !== undefined && { everyMs }),
    keepMs: overlapMs + expireAfterMs,
    ...(delegated !== undefined && { delegated }),
    now,
  }
}
