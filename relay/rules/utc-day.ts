/**
 * Which UTC day a daily limit counts for. The wall clock says so, but setting it does not make a new day: time has to have gone
 * by on the monotonic clock as well. Pure.
 */

export type Day = {
  /** Days since the epoch. */
  readonly number: number
  /** Milliseconds of the monotonic clock when it began. */
  readonly began: number
  /** Both clocks when they were last looked at, in milliseconds. */
  readonly wall: number
  readonly monotonic: number
  /** After the wall clock was set forward: until then, on the monotonic clock, it is not believed that this day is over. */
  readonly doubtedUntil: number
}

export const dayMs = 86_400_000

/** Days since the epoch, by a wall clock in milliseconds. */
export const dayNumber = (wall: number): number => Math.floor(wall / dayMs)

/**
 * A larger difference between the clocks than this is a clock that was set; without that they drift apart by less, even in a day.
 */
const stepMs = 300_000

/**
 * The day now; `before` is the last answer. The next one begins at midnight UTC; after a step forward, when a whole day has
 * passed.
 */
export function dayAt(before: Day | undefined, wall: number, monotonic: number): Day {
  const number = dayNumber(wall)
  if (before === undefined) return { number, began: monotonic, wall, monotonic, doubtedUntil: 0 }
  const step = wall - before.wall - (monotonic - before.monotonic)
  const doubtedUntil = step > stepMs ? monotonic + dayMs : before.doubtedUntil
  const later = number > before.number && monotonic >= doubtedUntil
  // However the wall clock was set, nobody waits for a new day longer than a day.
  const over = monotonic - before.began >= dayMs && number !== before.number
  return later || over
    ? { number, began: monotonic, wall, monotonic, doubtedUntil }
    : { ...before, wall, monotonic, doubtedUntil }
}

/** Milliseconds until the day ends by the wall clock; where that names another day, at most a whole day. */
export const restOfDayMs = ({ number, wall }: Pick<Day, 'number' | 'wall'>): number => {
  const rest = (number + 1) * dayMs - wall
  return rest > 0 && rest <= dayMs ? rest : dayMs
}
