/**
 * How many of the day's recipients each credential has used, in a file that outlives the process.
 *
 * Recipients are written as used before a message is accepted by them: a relay that is killed wastes at most the rest of its last
 * piece, and never hands out anything twice. After a loss of power, what was handed out in the last half minute may be forgotten.
 */
import { LineFile, type LineForm } from '../line-file.ts'

export type Used = { readonly day: number; readonly recipients: number }

/**
 * Not a credential: the line of the day that a store has named. In place of recipients it has the end of that day, by the wall
 * clock.
 */
export const dayOfStore = 'store:day/ends'

const line = /^(\S+\/\S+) (\d{1,7}) (\d{1,15})$/

const form: LineForm<Used> = {
  print: (credential, { day, recipients }) => `${credential} ${day} ${recipients}`,
  parse(text) {
    const [, credential, day, recipients] = line.exec(text) ?? []
    return credential === undefined ? undefined : [credential, { day: Number(day), recipients: Number(recipients) }]
  },
  // Counts of earlier days do not matter; the day before is kept, since at midnight not all clocks change at once.
  current(values) {
    let newest = 0
    for (const { day } of values) newest = Math.max(newest, day)
    return ({ day }) => day >= newest - 1
  },
}

export type QuotaFile = LineFile<Used>

/** `failed` is called once for each trouble with the file; counting goes on without it. */
export const openQuotaFile = (path: string, failed: (why: string) => void): QuotaFile =>
  new LineFile(path, form, failed)
