/** Which DNS records of a domain have to be looked at, how often, and by which resolvers, as its owner declares it. */
import type { WaitingKey } from './check-again.ts'
import type { WhenBroken } from './record-conditions.ts'
import type { Wanted } from './records-wanted.ts'

export type DomainChecks = {
  readonly domain: string
  readonly wanted: readonly Wanted[]
  /** Addresses of resolvers; empty: those of the system. */
  readonly resolvers: readonly string[]
  readonly verifyEveryMs: number
  /** The keys that wait for their records to be seen: then the domain is looked at often even if all else is in order. */
  readonly waiting: readonly WaitingKey[]
  readonly whenBroken: WhenBroken
}
