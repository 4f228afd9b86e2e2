/** Authorities follow one another so slowly that every client knows the next one before it signs anything. Pure. */

/** One authority, as far as its time is concerned; milliseconds since the epoch. */
export type Term = {
  /** Since when it is in the bundle that clients get. */
  readonly addedAt: number
  readonly endsAt: number
}

const day = 24 * 3_600_000

export const rotation = {
  /** With less life than this left, the newest one needs a follower: a year of an operator at rest costs nobody his trust. */
  renewMs: 365 * day,
  /** For so long a follower is only known. Clients that read their binding when they start need more than a few days. */
  settleMs: 30 * day,
} as const

export type Turn<T extends Term> = {
  /** Those that are to be trusted, in the order in which they came; all others have ended. */
  readonly living: readonly T[]
  /** Signs now; absent where nobody is alive. */
  readonly signer: T | undefined
  /** One more has to be made and added, now. */
  readonly wantsNext: boolean
}

export function turnOf<T extends Term>(terms: readonly T[], now: number): Turn<T> {
  const living = terms.filter((t) => t.endsAt > now).toSorted((a, b) => a.addedAt - b.addedAt)
  const settled = living.filter((t) => now - t.addedAt >= rotation.settleMs)
  const newest = living.at(-1)
  return {
    living,
    // Where nobody is known for long enough, the one that is known for longest: the first one of all signs at once.
    signer: settled.at(-1) ?? living[0],
    wantsNext: newest === undefined || newest.endsAt - now < rotation.renewMs,
  }
}
