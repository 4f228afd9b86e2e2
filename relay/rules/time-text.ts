/**
 * A length of time as a reply says it: in whole seconds, minutes or hours, rounded up, so that nobody comes back too early. Pure.
 */

/** Unit, its milliseconds, and the number of units from which on the next unit is used. */
const units = [
  ['s', 1000, 120],
  ['min', 60_000, 120],
  ['h', 3_600_000, Number.POSITIVE_INFINITY],
] as const

export function timeText(ms: number): string {
  const [unit, length] = units.find(([, unitMs, below]) => ms < unitMs * below) ?? units[2]
  return `${Math.ceil(ms / length)} ${unit}`
}
