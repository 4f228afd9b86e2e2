/** Who of a parcel goes on at once after an attempt, and in which parcel; and who is settled. Pure. */
import type { Outcome } from '../mail/outcome.ts'
import { isTooManyRecipients } from './classify.ts'
import type { Result } from './ledger.ts'
import type { Parcel } from './tracked.ts'

export type Sorted = {
  readonly settled: readonly Result[]
  /** The smarthost failed them, or can not take them: another one may. Without any they are settled as well. */
  readonly failed?: { readonly results: readonly Result[]; readonly parcel: Parcel }
  /** The smarthost took others and had no room for these: another transaction may (RFC 5321 section 4.5.3.1.10). */
  readonly leftOver?: Parcel
  /** Others spoilt the transaction, or there were too many for its time: another one without them may take these. */
  readonly spoilt?: Parcel
}

/** So many follow at once; then each is for half as many recipients, so that a server that hangs up over each is not flooded. */
const manyTransactions = 10
/** Where it gave nobody an outcome, as often all go on at once, in halves: who refuses fewer, too, is not sent each one. */
const manyHalvings = 3

/** `results`: of the parcel at the smarthost of that name. */
export function sortResults(parcel: Parcel, results: readonly Result[], smarthost: string): Sorted {
  const { recipients, transactions = 0 } = parcel
  const taken = results.filter(({ outcome }) => outcome.kind === 'delivered' || isSpoilt(outcome)).length
  const kinds = { failed: [] as Result[], leftOver: [] as Result[], spoilt: [] as Result[], settled: [] as Result[] }
  for (const result of results) kinds[kindOf(result, taken > 0)].push(result)
  const { failed, leftOver, spoilt, settled } = kinds
  // Only the first half goes on at once, with whom was taken or is refused next: so each time somebody has an outcome.
  const wasForNobody = spoilt.length === recipients.length
  if (transactions >= (wasForNobody ? manyHalvings : manyTransactions))
    settled.push(...spoilt.splice(Math.ceil(spoilt.length / 2)))
  if (settled.length === results.length) return { settled }
  // If it gave nobody an outcome, each of the next transactions is for half as many, here or at another next hop.
  const atMost = spoilt.length === recipients.length ? Math.ceil(spoilt.length / 2) : parcel.atMost
  const again = (some: readonly Result[], most = atMost): Parcel => ({
    message: parcel.message,
    recipients: some.map(({ recipient }) => recipient),
    tried: alsoTried(parcel.tried, smarthost, some),
    transactions: transactions + (some.some(({ asked }) => asked) ? 1 : 0),
    ...(most !== undefined && { atMost: most }),
  })
  return {
    settled,
    ...(failed.length > 0 && { failed: { results: failed, parcel: again(failed) } }),
    ...(leftOver.length > 0 && { leftOver: again(leftOver, taken) }),
    ...(spoilt.length > 0 && { spoilt: again(spoilt) }),
  }
}

function kindOf({ outcome }: Result, someTaken: boolean): keyof Sorted {
  if (outcome.kind !== 'deferred') return 'settled'
  if (isSpoilt(outcome)) return 'spoilt'
  if (outcome.scope === 'nextHop' || outcome.scope === 'here') return 'failed'
  return someTaken && isTooManyRecipients(outcome.reply) ? 'leftOver' : 'settled'
}

const isSpoilt = (outcome: Outcome): boolean => outcome.kind === 'deferred' && outcome.scope === 'transaction'

/** Where those that failed have been now. */
const alsoTried = (tried: Parcel['tried'], name: string, failed: readonly Result[]): NonNullable<Parcel['tried']> =>
  new Map([...(tried ?? []), [name, failed.every(isUnable) ? 'unable' : 'failed']])

const isUnable = ({ outcome }: Result): boolean => outcome.kind === 'deferred' && outcome.scope === 'here'
