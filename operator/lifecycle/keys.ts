/** The keys of one credential, as its status records them: what a rotation goes by, whoever carries it out. Pure. */

export type Key = {
  /** Tells it from the others; in logs, too. */
  readonly id: string
  /** `sha256:` and the hex digest of its password. */
  readonly verifier: string
  /**
   * Pending: relays learn it, and no Secret has held it yet. Active: the Secret's. Retiring: an earlier one that is still
   * accepted. Absent in what was recorded before keys were rotated: Active.
   */
  readonly state?: 'Pending' | 'Active' | 'Retiring'
  /** RFC 3339, as the other times. */
  readonly createdAt?: string
  /** Since when it is Retiring. */
  readonly replacedAt?: string
  /** Whoever still uses it: from then on it is refused. Only of a Retiring one. */
  readonly expiresAt?: string
  /** The spec.rotation.trigger that it satisfies. */
  readonly trigger?: string
}

export type Rotation = {
  /** Absent: only by a trigger. */
  readonly everyMs?: number
  readonly overlapMs: number
  /** Empty: none. */
  readonly trigger: string
}

/** When a key was last used, and by whom. */
export type KeyUse = {
  /** Milliseconds since the epoch, by the clock of whoever decides. */
  readonly at: number
  /** Of the client, in CIDR form. */
  readonly network: string
}

export type Heard = {
  /** By the id of the key. */
  readonly uses: ReadonlyMap<string, KeyUse>
  /** Every relay has told what was used until then; undefined: not all of them have told anything yet. */
  readonly upTo: number | undefined
}

export const timeText = (ms: number): string => new Date(ms).toISOString()
export const timeOf = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Date.parse(text)

export const activeOf = (keys: readonly Key[]): Key | undefined => keys.find((k) => k.state === 'Active')
export const pendingOf = (keys: readonly Key[]): Key | undefined => keys.find((k) => k.state === 'Pending')
export const retiringOf = (keys: readonly Key[]): readonly Key[] => keys.filter((k) => k.state === 'Retiring')

/** A clock that was as wrong as this has stamped nothing that anybody should wait for. */
const wrongBy = 86_400_000

/** Every key with its state and its times, whoever recorded it. */
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
  return text === undefined || time === undefined || Number.isNaN(time) || time > now + wrongBy ? timeText(now) : text
}
