/** How a fleet stands, by what its relays themselves report; each mode finds it out in its own way. */
import type { RelayUsage } from '../relay/http.ts'
import type { Condition } from './compile/compiled.ts'

export type Standing = {
  /** False while the relays may only need a moment more. */
  readonly settled: boolean
  readonly programmed: Condition
  /** What else the evidence tells of the policy; where there is no evidence, there is no condition. */
  readonly further: readonly Condition[]
  /** Of the policy's status. */
  readonly fields: Readonly<Record<string, unknown>>
  /** What its credentials have used of their limits; absent where nobody knows. */
  readonly usage?: RelayUsage
}
