/**
 * How much of the day's recipients each credential has used, in a file that outlives the process.
 *
 * What is handed out is written before anything is accepted by it: a process that is killed has at most wasted the rest of its last piece,
 * and never hands out anything twice. After a loss of power, what was handed out since the last half minute is forgotten.
 */
import { LineFile, type LineForm } from '../line-file.ts'

export type Used = { readonly day: number; readonly recipients: number }

/** No credential's: the day that a store has named, and in place of recipients when that ends, by the wall clock. */
export const dayOfStore = 'store:day/ends'

const line = /^(\S+\/\S+) (\d{1,7}) (\d{1,15})$/

const form: LineForm<Used> = {
  print: (credential, { day, recipients }) => `${credential} ${day} ${recipients}`,
  parse(text) {
    const [, credential, day, recipients] = line.exec(text) ?? []
    return credential === undefined ? undefined : [credential, { day: Number(day), recipients: Number(recipients) }]
  },
  // Of an earlier day nothing counts, but at midnight not every clock says so at once.
  current(values) {
    let newest = 0
    for (const { day } of values) newest = Math.max(newest, day)
    return ({ day }) => day >= newest - 1
  },
}

export type QuotaFile = LineFile<Used>

/** `failed` is told once of each trouble; counting goes on. */
export const openQuotaFile = (path: string, failed: (why: string) => void): QuotaFile =>
  new LineFile(path, form, failed)
