/** Who of a parcel goes on at once after an attempt, and who is settled. Pure. */
import { isTooManyRecipients } from './classify.ts'
import type { Result } from './ledger.ts'

export type Sorted = {
  /** The smarthost failed them: another one may take them. */
  readonly failed: readonly Result[]
  /** The smarthost took others and had no room for these: another transaction may (RFC 5321 section 4.5.3.1.10). */
  readonly leftOver: readonly Result[]
  readonly settled: readonly Result[]
}

export function sortResults(results: readonly Result[]): Sorted {
  const someTaken = results.some(({ outcome }) => outcome.kind === 'delivered')
  const sorted = { failed: [] as Result[], leftOver: [] as Result[], settled: [] as Result[] }
  for (const result of results) sorted[kindOf(result, someTaken)].push(result)
  return sorted
}

function kindOf({ outcome }: Result, someTaken: boolean): keyof Sorted {
  if (outcome.kind !== 'deferred') return 'settled'
  if (outcome.scope === 'nextHop') return 'failed'
  return someTaken && isTooManyRecipients(outcome.reply) ? 'leftOver' : 'settled'
}
