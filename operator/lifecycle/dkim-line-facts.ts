/** The facts that decide the stages of one domain's keys of one kind: what is seen of each key, and what the owner wants. */
import type { DelegatedSelector } from './delegated-selectors.ts'
import type { DkimKey } from './dkim-key.ts'
import type { Seen } from './judge-record.ts'

export type RecordSighting = {
  readonly seen: Seen
  readonly checkedAt: number
  /** How much later than another look this one has to be, to count beside it. */
  readonly apartMs: number
}

/** What is seen of one key. */
export type KeySighting = {
  /** What the servers showed of its record when they were last asked; absent: they have not been asked. */
  readonly record?: RecordSighting
  readonly isHeld: boolean
  /** Whether a relay signs with it. `no`: every relay has a configuration without it; `unknown`: a relay has not told. */
  readonly inUse: 'yes' | 'no' | 'unknown'
}

export type LineFacts = {
  readonly sightingOf: (key: DkimKey) => KeySighting
  /** Whether the owner wants keys of this kind. */
  readonly isWanted: boolean
  /** How long a key signs before the next one is made; absent: keys are not replaced by time. */
  readonly everyMs?: number
  /** How long a record stays after the last relay has stopped using its key: as long as mail may be under way. */
  readonly keepMs: number
  /** The two selectors on which keys of this kind take turns; absent: each key has a new selector. */
  readonly delegated?: readonly DelegatedSelector[]
  readonly now: number
}
