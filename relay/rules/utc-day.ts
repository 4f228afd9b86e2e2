/**
 * Which UTC day a daily limit counts for. The wall clock says it, and nobody who sets that clock gets a new day by it: time
 * has to have gone by on the monotonic clock, too. Pure.
 */

export type Day = {
  /** Days since the epoch. */
  readonly number: number
  /** On the monotonic clock. */
  readonly began: number
  /** The clocks when they were last looked at. */
  readonly wall: number
  readonly monotonic: number
  /** Until then, on the monotonic clock, the wall clock is not believed when it says that a day is over. */
  readonly doubtedUntil: number
}

export const dayMs = 86_400_000
/** More than clocks drift apart in a day without being set. */
const stepMs = 300_000

/** `before` is the last answer. A later day begins at midnight UTC; after a step forward, when a whole day has gone by. */
export function dayAt(before: Day | undefined, wall: number, monotonic: number): Day {
  const number = Math.floor(wall / dayMs)
  if (before === undefined) return { number, began: monotonic, wall, monotonic, doubtedUntil: 0 }
  const step = wall - before.wall - (monotonic - before.monotonic)
  const doubtedUntil = step > stepMs ? monotonic + dayMs : before.doubtedUntil
  const later = number > before.number && monotonic >= doubtedUntil
  // Whatever the wall clock was set to, who waits for a day has waited for a day.
  const over = monotonic - before.began >= dayMs && number !== before.number
  return later || over
    ? { number, began: monotonic, wall, monotonic, doubtedUntil }
    : { ...before, wall, monotonic, doubtedUntil }
}

/** Until the wall clock says that the day is over; a day of which it says something else may last for a whole one more. */
export const restOfDayMs = ({ number, wall }: Day): number => {
  const rest = (number + 1) * dayMs - wall
  return rest > 0 && rest <= dayMs ? rest : dayMs
}
