/** When a domain's records are looked at again: soon while something is not in order, rarely while all is. */
import type { DomainRecords } from './domain-records.ts'

/** Of a domain that is in order only every twelfth look is taken: hourly, where a look is due every five minutes. */
const rarely = 12
/** Nobody looks in step with the others: each wait is up to a quarter longer, and never shorter. */
const longer = 0.25

const inOrder = ({ records }: DomainRecords): boolean => records.every(({ seen }) => seen === 'everywhere')

/** `dice` in [0, 1); `isWaiting`: something waits for what is seen. */
export function checkAgainMs(found: DomainRecords, verifyEveryMs: number, dice: number, isWaiting = false): number {
  const every = inOrder(found) && !isWaiting ? rarely * verifyEveryMs : verifyEveryMs
  return Math.round(every * (1 + longer * dice))
}
