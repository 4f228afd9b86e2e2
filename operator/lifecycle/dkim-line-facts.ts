/** What the stages of keys of one kind of one domain go by: what is seen of each, and what the owner wants. */
import type { DelegatedSelector } from './delegated-selectors.ts'
import type { DkimKey } from './dkim-key.ts'
import type { Seen } from './judge-record.ts'

/** What is seen of one key. */
export type KeySighting = {
  /** What the servers showed of its record when they were last asked; absent: nobody has asked. */
  readonly record?: { readonly seen: Seen; readonly checkedAt: number }
  readonly isHeld: boolean
  /** Whether a relay signs with it: `unknown` where one of them does not tell, `no` where each has a configuration without it. */
  readonly inUse: 'yes' | 'no' | 'unknown'
}

export type LineFacts = {
  readonly sightingOf: (key: DkimKey) => KeySighting
  /** Whether the owner wants keys of this kind. */
  readonly isWanted: boolean
  /** How long a key signs before the next one is made; absent: until another one is there. */
  readonly everyMs?: number
  /** How long a record stays after the last relay has left its key: as long as mail may be under way. */
  readonly keepMs: number
  /** The selectors that keys of this kind take in turns; absent: each key has one of its own. */
  readonly delegated?: readonly DelegatedSelector[]
  readonly now: number
}
