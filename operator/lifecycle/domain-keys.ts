/** What is known of the keys that sign as a domain; never a private one. */
import type { DkimKey, HeldKey } from './dkim-key.ts'

/** The shape of a condition, as compile has it. */
export type KeyCondition = {
  readonly type: 'ResolvedRefs' | 'RotationInProgress'
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
  /** The field to change. */
  readonly field?: string
}

export type DomainKeys = {
  /** The signature on top first; absent: what the relays sign with stays. */
  readonly sign?: readonly HeldKey[]
  /** Selectors among them whose private keys are gone: only relays that have a copy sign with them. */
  readonly lost?: readonly string[]
  /** As the status tells of them. */
  readonly keys: readonly DkimKey[]
  readonly found: readonly KeyCondition[]
}
