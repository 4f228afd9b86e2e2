/** Scores a domain's records from 0 to 100, with a reason for each deduction. */
import { isBroken, type RecordFound } from './domain-records.ts'

export type Score = { readonly points: number; readonly reasons: readonly string[] }

/** How many points a broken record costs, by its purpose. */
const worth = { SPF: 35, DKIM: 35, DMARC: 30, RetiredKey: 5 } as const
const forNote = 5

/** `unsigned` says why the domain's mail is not signed; absent where it is, or need not be. */
export function scoreOf(records: readonly RecordFound[], unsigned?: string): Score {
  const losses = records.flatMap((record) => {
    const { type, name, purpose, state, message, notes, otherwise } = record
    const minor = [...notes, ...otherwise]
    return [
      ...(isBroken(record) || state === 'Leftover'
        ? [{ points: worth[purpose], reason: `${type} ${name}: ${message ?? ''}` }]
        : []),
      ...minor.map((note) => ({ points: forNote, reason: `${type} ${name}: ${note}` })),
    ]
  })
  if (unsigned !== undefined) losses.unshift({ points: worth.DKIM, reason: unsigned })
  return {
    points: Math.max(0, 100 - losses.reduce((sum, { points }) => sum + points, 0)),
    reasons: losses.map(({ points, reason }) => `-${points} ${reason}`),
  }
}
