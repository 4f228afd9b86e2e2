/** What is to be looked at for one domain, how often, and by whom; it follows from what its owner declares. */
import type { WhenBroken } from './record-conditions.ts'
import type { Wanted } from './records-wanted.ts'

export type DomainChecks = {
  readonly domain: string
  readonly wanted: readonly Wanted[]
  /** Addresses; empty: the system's. */
  readonly resolvers: readonly string[]
  readonly verifyEveryMs: number
  /** A key waits for its record, or to be seen once more: it is not to wait for the rare looks of a domain in order. */
  readonly isWaiting: boolean
  readonly whenBroken: WhenBroken
}
