/** The time that everything here waits by: it goes on from the start's time of day, whatever the wall clock is set to (case S23). */

/** As long as the wall clock is off by less, times of day stay as they were told. */
const stepMs = 60_000

export function steadyClock(wall: () => number, monotonic: () => number) {
  const origin = wall() - monotonic()
  const now = (): number => Math.floor(origin + monotonic())
  let setBy = 0
  return {
    now,
    /** For people to read: the time of day, by the wall clock as it is set now. */
    timeOfDay(at: number): number {
      const by = wall() - now()
      if (Math.abs(by - setBy) > stepMs) setBy = by
      return at + setBy
    },
  }
}
