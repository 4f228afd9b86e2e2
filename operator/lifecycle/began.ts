/**
 * When a lasting state began: at `since` if that is known, else now. A `since` in the future means that the clock was set back,
 * so it counts as now. Pure.
 */
export const began = (since: number | undefined, now: number): number => Math.min(since ?? now, now)
