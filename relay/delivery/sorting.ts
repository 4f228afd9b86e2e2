/** Who of a parcel goes on at once after an attempt, and who is settled. Pure. */
import type { Outcome } from '../mail/outcome.ts'
import { isTooManyRecipients } from './classify.ts'
import type { Result } from './ledger.ts'
import type { Parcel } from './tracked.ts'

export type Sorted = {
  /** The smarthost failed them, or can not take them: another one may. */
  readonly failed: readonly Result[]
  /** The smarthost took others and had no room for these: another transaction may (RFC 5321 section 4.5.3.1.10). */
  readonly leftOver: readonly Result[]
  /** Others spoilt the transaction, or there were too many for its time: another one without them may take these. */
  readonly spoilt: readonly Result[]
  readonly settled: readonly Result[]
  /** How many it had room for. */
  readonly taken: number
}

/** So many follow at once; then each is for half as many recipients, so that a server that hangs up over each is not flooded. */
const manyTransactions = 10

/** `transactions`: that they were in since they last waited. */
export function sortResults(results: readonly Result[], transactions: number): Sorted {
  const taken = results.filter(({ outcome }) => outcome.kind === 'delivered' || isSpoilt(outcome)).length
  const sorted = { failed: [] as Result[], leftOver: [] as Result[], spoilt: [] as Result[], settled: [] as Result[] }
  for (const result of results) sorted[kindOf(result, taken > 0)].push(result)
  // Only the first half goes on at once, with whom was taken or is refused next: so each time somebody has an outcome.
  if (transactions >= manyTransactions)
    sorted.settled.push(...sorted.spoilt.splice(Math.ceil(sorted.spoilt.length / 2)))
  return { ...sorted, taken }
}

function kindOf({ outcome }: Result, someTaken: boolean): Exclude<keyof Sorted, 'taken'> {
  if (outcome.kind !== 'deferred') return 'settled'
  if (isSpoilt(outcome)) return 'spoilt'
  if (outcome.scope === 'nextHop' || outcome.scope === 'here') return 'failed'
  return someTaken && isTooManyRecipients(outcome.reply) ? 'leftOver' : 'settled'
}

const isSpoilt = (outcome: Outcome): boolean => outcome.kind === 'deferred' && outcome.scope === 'transaction'

/** Where those that failed have been now. */
export const alsoTried = (
  tried: Parcel['tried'],
  name: string,
  failed: readonly Result[],
): NonNullable<Parcel['tried']> => new Map([...(tried ?? []), [name, failed.every(isUnable) ? 'unable' : 'failed']])

const isUnable = ({ outcome }: Result): boolean => outcome.kind === 'deferred' && outcome.scope === 'here'
