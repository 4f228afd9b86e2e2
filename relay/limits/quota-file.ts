/**
 * How many of the day's recipients each credential has used, in a file that outlives the process.
 *
 * Recipients are written as used before a message is accepted by them: a relay that is killed wastes at most the rest of its last
 * piece, and never hands out anything twice. After a loss of power, what was handed out in the last half minute may be forgotten.
 */
import { type During, LineFile, type LineForm } from '../line-file.ts'
import { dayNumber } from '../rules/utc-day.ts'

export type Used = { readonly day: number; readonly recipients: number }

/**
 * Not a credential: the line of the day that a store has named. In place of recipients it has the end of that day, by the wall
 * clock.
 */
export const dayOfStore = 'store:day/ends'

const line = /^(\S+\/\S+) (\d{1,7}) (\d{1,15})$/

/** `wall`: milliseconds since the epoch. */
const formBy = (wall: () => number): LineForm<Used> => ({
  print: (credential, { day, recipients }) => `${credential} ${day} ${recipients}`,
  parse(text) {
    const [, credential, day, recipients] = line.exec(text) ?? []
    return credential === undefined ? undefined : [credential, { day: Number(day), recipients: Number(recipients) }]
  },
  // Counts of earlier days do not matter; the day before is kept, since at midnight not all clocks change at once. A day that is yet to
  // come was named by a clock that was ahead: beside it, no count of today is one of an earlier day (case A19).
  current(values) {
    const today = dayNumber(wall())
    let newest = 0
    for (const { day } of values) newest = Math.max(newest, Math.min(day, today))
    return ({ day }) => day >= newest - 1
  },
})

export type QuotaFile = LineFile<Used>

/** `failed` is called once for each trouble with the file; counting goes on without it. Mail waits for writes to it (`during`). */
export const openQuotaFile = (
  path: string,
  failed: (why: string) => void,
  { wall = Date.now, during }: { readonly wall?: () => number; readonly during?: During } = {},
): QuotaFile => new LineFile(path, formBy(wall), failed, { during })
