/** Decides whether a replaced key is still accepted, and until when: as long as somebody uses it, or may be using it. Pure. */
import { type Heard, type Key, type Rotation, timeOf } from './keys.ts'

/** Why a key is no longer accepted. */
export type Why =
  /** Nobody has used it for as long as the overlap. */
  | 'unused'
  /** Its expiresAt has come. */
  | 'expired'
  /** spec.rotation.overlap is 0s. */
  | 'atOnce'
  /** spec.rotation.trigger was changed again while it was retiring. */
  | 'forced'
  /** There are more keys than a status has room for. */
  | 'crowded'

export type Retirement =
  | { readonly is: 'over'; readonly why: Why }
  /** It is refused from `until` on (milliseconds), unless it is used before. */
  | { readonly is: 'running'; readonly until: number }
  /** Its overlap is over, but not every relay has reported yet that nobody has used it since. */
  | { readonly is: 'asking' }
  /** The same for too long: a relay should have reported by now. */
  | { readonly is: 'unknown' }

/** When its overlap ends; every use starts the overlap again. */
const endOf = (key: Key, { overlapMs }: Rotation, { uses }: Heard): number =>
  Math.max(timeOf(key.replacedAt) ?? 0, uses.get(key.id)?.at ?? 0) + overlapMs

/** Whether anybody has used the key since it was replaced. */
export const isInUse = (key: Key, { uses }: Heard): boolean =>
  (uses.get(key.id)?.at ?? Number.NEGATIVE_INFINITY) > (timeOf(key.replacedAt) ?? 0)

export function retirementOf(key: Key, rotation: Rotation, heard: Heard, now: number): Retirement {
  if (rotation.overlapMs === 0) return { is: 'over', why: 'atOnce' }
  if (now >= (timeOf(key.expiresAt) ?? Number.POSITIVE_INFINITY)) return { is: 'over', why: 'expired' }
  const end = endOf(key, rotation, heard)
  if (now < end) return { is: 'running', until: end }
  if (heard.upTo !== undefined && heard.upTo >= end) return { is: 'over', why: 'unused' }
  return now < end + patienceMs ? { is: 'asking' } : { is: 'unknown' }
}

/** Several rounds of asking all relays, even for an operator that has just started. */
const patienceMs = 300_000
