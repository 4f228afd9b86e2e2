/** When to look at a domain's records again: soon while something is wrong or waits, rarely while all is well. */
import type { DomainRecords } from './domain-records.ts'

/** A domain that is in order is looked at twelve times less often: hourly, with the default of five minutes. */
const rarely = 12
/** Each wait is up to a quarter longer, by chance, so that domains are not all looked at in the same moment. */
const longer = 0.25

const inOrder = ({ records }: DomainRecords): boolean => records.every(({ seen }) => seen === 'everywhere')

/** In milliseconds. `dice` is in [0, 1); `isWaiting`: a key waits for its record to be seen. */
export function checkAgainMs(found: DomainRecords, verifyEveryMs: number, dice: number, isWaiting = false): number {
  const every = inOrder(found) && !isWaiting ? rarely * verifyEveryMs : verifyEveryMs
  return Math.round(every * (1 + longer * dice))
}
