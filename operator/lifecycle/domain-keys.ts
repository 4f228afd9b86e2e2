/** What is known of a domain's DKIM keys; never a private key. */
import type { DkimKey, HeldKey } from './dkim-key.ts'

/** A condition about keys, in the shape of compile's `Finding`. */
export type KeyCondition = {
  readonly type: 'ResolvedRefs' | 'RotationInProgress'
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
  /** The field to change. */
  readonly field?: string
}

export type DomainKeys = {
  /** The keys that sign, the topmost signature first; absent: what relays sign with now stays. */
  readonly sign?: readonly HeldKey[]
  /** Selectors of `sign` whose private keys are lost: only relays that have a copy can sign with them. */
  readonly lost?: readonly string[]
  /** All keys, as the status shows them. */
  readonly keys: readonly DkimKey[]
  readonly found: readonly KeyCondition[]
}
