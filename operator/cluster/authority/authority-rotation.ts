/**
 * When the authority is followed by another one: so slowly that every client trusts the next before it signs anything. Pure.
 */

/** One authority, as far as its time is concerned; milliseconds since the epoch. */
export type Term = {
  /** Since when it is in the bundle that clients get. */
  readonly addedAt: number
  readonly endsAt: number
}

const day = 24 * 3_600_000

export const rotation = {
  /**
   * When the newest one has less life than this left, another is made. It is so long that clients lose no trust even where no
   * operator has run for a year.
   */
  renewMs: 365 * day,
  /**
   * For so long a new authority is in the bundle before it signs. Clients that read their binding only when they start need
   * more than a few days.
   */
  settleMs: 30 * day,
} as const

export type Turn<T extends Term> = {
  /** The authorities that clients are to trust, which have not ended; in the order in which they were added. */
  readonly living: readonly T[]
  /** The authority that signs now; undefined where all have ended. */
  readonly signer: T | undefined
  /** Whether another one has to be made now. */
  readonly wantsNext: boolean
}

export function turnOf<T extends Term>(terms: readonly T[], now: number): Turn<T> {
  const living = terms.filter((t) => t.endsAt > now).toSorted((a, b) => a.addedAt - b.addedAt)
  const settled = living.filter((t) => now - t.addedAt >= rotation.settleMs)
  const newest = living.at(-1)
  return {
    living,
    // Where none has been in the bundle for long enough, the one that has been there longest signs; so the first one ever
    // signs at once.
    signer: settled.at(-1) ?? living[0],
    wantsNext: newest === undefined || newest.endsAt - now < rotation.renewMs,
  }
}
