/** How a fleet is, as its relays themselves report it; each mode finds that out in its own way. */
import type { RelayUsage } from '../relay/http.ts'
import type { Condition } from './compile/compiled.ts'

export type Standing = {
  /** False while the relays may merely need a moment more. */
  readonly settled: boolean
  readonly programmed: Condition
  /** Further conditions of the policy; one for which there is no evidence is left out. */
  readonly further: readonly Condition[]
  /** Further fields of the policy's status. */
  readonly fields: Readonly<Record<string, unknown>>
  /** What its credentials have used of their limits; absent where that is not known. */
  readonly usage?: RelayUsage
}
