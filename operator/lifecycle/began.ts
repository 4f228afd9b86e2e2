/** When something began that lasts: now, where it begins; and what began in the future began before the clock was set back. Pure. */
export const began = (since: number | undefined, now: number): number => Math.min(since ?? now, now)
