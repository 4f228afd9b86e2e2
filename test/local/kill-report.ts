/** The results of a run under kills, and the promises that it must have kept. */
import type { Verdict } from './history.ts'

export type KillReport = Verdict & {
  readonly kills: number
  readonly seed: number
  /** How many of the kills came before the relay listened again. */
  readonly killsWhileStarting: number
  readonly submitted: number
  readonly refused: readonly string[]
  readonly unknown: number
  /** The most deliveries that can have been in flight at the kills, each of which may be made twice. */
  readonly duplicatesAllowed: number
  /** How often the relay's log says that a message may arrive twice. */
  readonly duplicatesCounted: number
  readonly acknowledgedPerSecondUp: number
  readonly startMs: { readonly p50: number; readonly max: number }
  readonly exitCode: number | null
}

/** The promises, and whether each was kept. */
export const promises = (r: KillReport): Readonly<Record<string, boolean>> => ({
  'nothing acknowledged is lost': r.lost.length === 0,
  'nothing is invented': r.invented.length === 0,
  'nothing is damaged': r.damaged.length === 0,
  'no more duplicates than deliveries in flight': r.duplicates + r.duplicateReports <= r.duplicatesAllowed,
  'every duplicate was counted by the relay': r.duplicates + r.duplicateReports <= r.duplicatesCounted,
  'no right message is refused': r.refused.length === 0,
  'it ends cleanly when asked': r.exitCode === 0,
})

export const allKept = (report: KillReport): boolean => Object.values(promises(report)).every(Boolean)

export function printReport(report: KillReport): void {
  const { lost, invented, damaged, refused, startMs, ...numbers } = report
  const lists = { lost, invented, damaged, refused }
  const counts = Object.fromEntries(Object.entries(lists).map(([what, list]) => [what, list.length]))
  console.table({ ...numbers, ...counts, startP50Ms: Math.round(startMs.p50), startMaxMs: Math.round(startMs.max) })
  for (const [what, list] of Object.entries(lists)) {
    if (list.length > 0) console.log(`${what}: ${list.slice(0, 20).join(' · ')}`)
  }
  console.table(promises(report))
}
