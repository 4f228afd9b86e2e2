/** When to look at a domain's records again: soon while something is wrong or a key waits, rarely while all is well. */
import type { DomainRecords } from './domain-records.ts'

/** A key that does not sign yet: its record has not been seen (Pending), or has to be seen once more (Published). */
export type WaitingKey = {
  readonly stage: 'Pending' | 'Published'
  readonly since: number
  /** The names of its record, and of the alias that leads to it. */
  readonly names: readonly string[]
}

type Waits = Pick<WaitingKey, 'stage' | 'since'>

type Pace = { readonly everyMs: number; readonly waiting: readonly Waits[] }

/** A domain that is in order is looked at twelve times less often: hourly, with the default of five minutes. */
const rarely = 12
/** Each wait is up to a quarter longer, by chance, so that domains are not all looked at in the same moment. */
const longer = 0.25
/** The first wait for the record of a new key. */
const shortestMs = 5000
/** A time that was recorded is rounded up to a whole second. */
const roundedMs = 1000

const inOrder = ({ records }: DomainRecords): boolean => records.every(({ seen }) => seen === 'everywhere')

/** In milliseconds after a look at `at`. `dice` is in [0, 1). */
export function checkAgainMs(found: DomainRecords, at: number, { everyMs, waiting }: Pace, dice: number): number {
  const ordinaryMs = inOrder(found) ? rarely * everyMs : everyMs
  const soonestMs = Math.min(ordinaryMs, ...waiting.map((key) => keyWaitMs(key, at, everyMs)))
  return Math.round(soonestMs * (1 + longer * dice))
}

function keyWaitMs({ stage, since }: Waits, at: number, everyMs: number): number {
  switch (stage) {
    case 'Pending':
      // As long again as the key has waited, so a record that comes soon is found soon. A time far ahead is of a wrong clock.
      return Math.min(everyMs, Math.max(shortestMs, Math.abs(at - since)))
    case 'Published': {
      // A sooner look would not count as the second one.
      const leftMs = since + everyMs + roundedMs - at
      return leftMs > 0 ? Math.min(leftMs, everyMs + shortestMs) : everyMs
    }
  }
}
