/**
 * The keys (verifiers of passwords) of one credential, as its status records them; rotation depends on these, in both modes.
 * Pure.
 */

export type Key = {
  /** Identifies the key, also in logs. */
  readonly id: string
  /** `sha256:` and the hex digest of its password. */
  readonly verifier: string
  /**
   * Pending: relays are learning it, and no Secret has held it yet. Active: the one in the Secret. Retiring: an earlier one that
   * is still accepted. Absent in records of versions that did not rotate: it counts as Active.
   */
  readonly state?: 'Pending' | 'Active' | 'Retiring'
  /** RFC 3339, like the other times. */
  readonly createdAt?: string
  /** Since when it is Retiring, because a newer key is in the Secret. */
  readonly replacedAt?: string
  /** When it is refused at the latest, even if it is still in use. Only a Retiring key has this. */
  readonly expiresAt?: string
  /** The spec.rotation.trigger for which it was made. */
  readonly trigger?: string
}

export type Rotation = {
  /** How old a password gets; absent: it is replaced only by a trigger. */
  readonly everyMs?: number
  readonly overlapMs: number
  /** Empty: none. */
  readonly trigger: string
}

/** When a key was last used, and by whom. */
export type KeyUse = {
  /** Milliseconds since the epoch, by the clock of whoever decides. */
  readonly at: number
  /** The client's network, in CIDR form. */
  readonly network: string
}

export type Heard = {
  /** By the id of the key. */
  readonly uses: ReadonlyMap<string, KeyUse>
  /** Every relay has reported all uses until then; undefined: not every relay has reported yet. */
  readonly upTo: number | undefined
}

export const rfc3339 = (ms: number): string => new Date(ms).toISOString()
export const timeOf = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Date.parse(text)

export const activeOf = (keys: readonly Key[]): Key | undefined => keys.find((k) => k.state === 'Active')
export const pendingOf = (keys: readonly Key[]): Key | undefined => keys.find((k) => k.state === 'Pending')
export const retiringOf = (keys: readonly Key[]): readonly Key[] => keys.filter((k) => k.state === 'Retiring')

/** A time that is further ahead than this was written by a wrong clock: waiting for it could take years, so it counts as now. */
const wrongBy = 86_400_000

/** Completes missing or impossible states and times of recorded keys. */
export function stamped(keys: readonly Key[], now: number): readonly Key[] {
  const known = activeOf(keys)
  const first = known ?? keys.find((k) => k.state === undefined)
  return keys.map((key) => {
    const state = key.state ?? (key === first ? 'Active' : 'Retiring')
    const createdAt = timeOr(key.createdAt, now)
    const replacedAt = state === 'Retiring' ? timeOr(key.replacedAt, now) : undefined
    const isSame = key.state === state && key.createdAt === createdAt && key.replacedAt === replacedAt
    return isSame ? key : { ...key, state, createdAt, ...(replacedAt !== undefined && { replacedAt }) }
  })
}

function timeOr(text: string | undefined, now: number): string {
  const time = timeOf(text)
  return text === undefined || time === undefined || Number.isNaN(time) || time > now + wrongBy ? rfc3339(now) : text
}
