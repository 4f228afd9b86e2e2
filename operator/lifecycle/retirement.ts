/** Whether a key that was replaced is still accepted, and until when: as long as somebody uses it, or may. Pure. */
import { type Heard, type Key, type Rotation, timeOf } from './keys.ts'

/** Why a key is accepted no longer. */
export type Why =
  /** Nobody has used it for as long as the overlap. */
  | 'unused'
  /** Its expiresAt has come. */
  | 'expired'
  /** There is no overlap. */
  | 'atOnce'
  /** Another trigger came while it was retiring. */
  | 'forced'
  /** There are more keys than a status has room for. */
  | 'crowded'

export type Retirement =
  | { readonly is: 'over'; readonly why: Why }
  /** It ends then, unless it is used until then. */
  | { readonly is: 'running'; readonly until: number }
  /** Its time is over; relays are asked in turns, and not all of them have told yet that nobody has used it. */
  | { readonly is: 'asking' }
  /** They should have told by now. */
  | { readonly is: 'unknown' }

/** When its overlap ends: every use begins it anew. */
const endOf = (key: Key, { overlapMs }: Rotation, { uses }: Heard): number =>
  Math.max(timeOf(key.replacedAt) ?? 0, uses.get(key.id)?.at ?? 0) + overlapMs

/** Whether anybody has used it since there is a newer one. */
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

/** Several rounds of asking, also of an operator that has just begun. */
const patienceMs = 300_000
