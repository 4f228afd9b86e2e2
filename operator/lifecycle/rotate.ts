/**
 * Decides the next step of a credential's keys. Pure: the callers make passwords, write Secrets and ask relays.
 *
 *   make      a password is made; its key is Pending: it is recorded in the status and given to the relays
 *   hand out  when it is recorded and every relay accepts it, the Secret gets the password; the key is Active
 *   retire    the key before it is Retiring, and is dropped when nobody has used it for one overlap
 *
 * So the Secret always holds a password that every relay accepts. An operator that crashes at any point leaves at most a Pending
 * key whose password nobody ever had, and the next operator makes another one.
 */
import {
  activeOf,
  type Heard,
  type Key,
  pendingOf,
  type Rotation,
  retiringOf,
  rfc3339,
  stamped,
  timeOf,
} from './keys.ts'
import { retirementOf, type Why } from './retirement.ts'

/** The key whose password the Secret holds. */
export type InSecret = Pick<Key, 'id' | 'verifier'> & {
  /** The id of the Active key that this password was made to replace, as noted in the Secret itself; see `adopted`. */
  readonly replaces?: string
}

export type KeyFacts = {
  /** As they are recorded, or as the last step left them. The newest first. */
  readonly keys: readonly Key[]
  readonly rotation: Rotation
  readonly secret: InSecret
  /** The id of the key whose password the caller has made and holds in memory, while it is in no Secret yet. */
  readonly atHand: string | undefined
  /** Whether the Pending key is recorded, and every relay that takes mail accepts it. */
  readonly isReached: boolean
  readonly heard: Heard
  readonly now: number
}

export type Retired = { readonly key: Key; readonly why: Why }

export type KeyStep = {
  /** The newest first. */
  readonly keys: readonly Key[]
  readonly act: 'rest' | 'make' | 'handOut'
  readonly retired: readonly Retired[]
  /** The key whose password is in the Secret since this step; undefined: none is new there. */
  readonly handedOut: Key | undefined
  /** When to look again even without news, in milliseconds since the epoch. */
  readonly at: number
}

/** As many as a status has room for. */
const mostKeys = 8
/** How soon to look again whether all relays have reported. */
const askAgainMs = 2000

export function nextKeys(facts: KeyFacts): KeyStep {
  const settled = settle(facts)
  const { keys, retired } = retire(settled.keys, facts)
  const act = actOf(keys, facts)
  return {
    keys,
    act,
    retired: [...settled.retired, ...retired],
    handedOut: settled.handedOut,
    at: act === 'rest' ? momentOf(keys, facts) : facts.now,
  }
}

/** Adds a key that was just made, as Pending. */
export function withPending(
  keys: readonly Key[],
  made: Pick<Key, 'id' | 'verifier'>,
  { trigger }: Rotation,
  now: number,
) {
  const key: Key = { ...made, state: 'Pending', createdAt: rfc3339(now), ...(trigger !== '' && { trigger }) }
  return [key, ...keys.filter((k) => k.state !== 'Pending')].slice(0, mostKeys)
}

type Settled = Pick<KeyStep, 'keys' | 'retired' | 'handedOut'>

/** Brings the recorded keys in line with what the Secret holds. */
function settle(facts: KeyFacts): Settled {
  const { secret, atHand, now } = facts
  const known = stamped(facts.keys, now)
  const held = known.find((k) => k.verifier === secret.verifier) ?? adopted(known, facts)
  const others = known.filter((k) => k.verifier !== secret.verifier)
  if (held !== undefined && (held.state === 'Pending' || !known.includes(held))) return handOut(held, others, facts)
  // A Pending key whose password is lost (its maker crashed) can never be handed out, so it is dropped.
  const keys = known.filter((k) => k.state !== 'Pending' || k.id === atHand)
  return { keys, retired: [], handedOut: undefined }
}

/**
 * Whether an unknown password in the Secret becomes a key: yes for the first key of all, and for one that an operator made
 * because the Secret was gone or damaged, but crashed before recording it. Any other unknown password, e.g. from a backup of the
 * Secret, may be that of a retired key, which must stay retired.
 */
function adopted(known: readonly Key[], { secret, rotation, now }: KeyFacts): Key | undefined {
  const active = activeOf(known)
  if (active !== undefined && secret.replaces !== active.id) return undefined
  const { trigger } = rotation
  const { id, verifier } = secret
  return { id, verifier, createdAt: rfc3339(now), ...(trigger !== '' && { trigger }) }
}

function handOut(held: Key, others: readonly Key[], { rotation, now }: KeyFacts): Settled {
  const handedOut: Key = { ...held, state: 'Active' }
  const before = activeOf(others)
  const isForced = (held.trigger ?? '') !== '' && held.state === 'Pending' && held.trigger !== before?.trigger
  const earlier = retiringOf(others)
  const kept = [
    handedOut,
    ...(before === undefined ? [] : [replaced(before, rotation, now)]),
    ...(isForced ? [] : earlier),
  ]
  return {
    keys: kept.slice(0, mostKeys - 1),
    retired: [
      ...(isForced ? earlier.map((key) => ({ key, why: 'forced' }) as const) : []),
      ...kept.slice(mostKeys - 1).map((key) => ({ key, why: 'crowded' }) as const),
    ],
    handedOut,
  }
}

/** It expires when the next rotation by time is due, even if it is still in use. */
const replaced = (key: Key, { everyMs }: Rotation, now: number): Key => ({
  ...key,
  state: 'Retiring',
  replacedAt: rfc3339(now),
  ...(everyMs !== undefined && { expiresAt: rfc3339(now + everyMs) }),
})

function retire(keys: readonly Key[], { rotation, secret, heard, now }: KeyFacts): Pick<KeyStep, 'keys' | 'retired'> {
  const retired = retiringOf(keys).flatMap((key): readonly Retired[] => {
    const retirement = retirementOf(key, rotation, heard, now)
    // As long as the Secret still holds its password, applications read that from there, so it is not dropped.
    return retirement.is === 'over' && key.verifier !== secret.verifier ? [{ key, why: retirement.why }] : []
  })
  return { keys: retired.length === 0 ? keys : keys.filter((key) => !retired.some((r) => r.key === key)), retired }
}

function actOf(keys: readonly Key[], facts: KeyFacts): KeyStep['act'] {
  const pending = pendingOf(keys)
  if (pending !== undefined) return facts.isReached ? 'handOut' : 'rest'
  return isDue(keys, facts) ? 'make' : 'rest'
}

function isDue(keys: readonly Key[], { secret, rotation, now }: KeyFacts): boolean {
  const active = activeOf(keys)
  // The Secret holds an earlier password, or an unknown one.
  if (active === undefined || active.verifier !== secret.verifier) return true
  if (rotation.trigger !== '' && rotation.trigger !== active.trigger) return true
  return now >= dueAt(active, rotation)
}

/**
 * A key is replaced within the last tenth of its time; its id decides when, so that keys made in the same hour are not all
 * replaced in the same hour.
 */
export function dueAt({ id, createdAt }: Key, { everyMs }: Rotation): number {
  if (everyMs === undefined) return Number.POSITIVE_INFINITY
  const spread = (Number.parseInt(id.slice(0, 8), 16) || 0) / 2 ** 32
  return (timeOf(createdAt) ?? 0) + Math.round(everyMs * (1 - spread / 10))
}

function momentOf(keys: readonly Key[], { rotation, heard, now }: KeyFacts): number {
  const active = activeOf(keys)
  const ends = retiringOf(keys).flatMap((key) => {
    const retirement = retirementOf(key, rotation, heard, now)
    const until = retirement.is === 'running' ? retirement.until : now + askAgainMs
    return [until, timeOf(key.expiresAt) ?? Number.POSITIVE_INFINITY]
  })
  return Math.min(...ends, active === undefined ? Number.POSITIVE_INFINITY : dueAt(active, rotation))
}
