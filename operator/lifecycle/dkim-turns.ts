/**
 * How keys of one kind take turns on two delegated selectors: a selector has only one key at a time, and gets the next one only
 * when no mail under way can name the selector with the earlier key.
 */
import type { DelegatedSelector } from './delegated-selectors.ts'
import type { DkimKey } from './dkim-key.ts'
import type { LineFacts } from './dkim-line-facts.ts'

export const isOver = ({ stage }: DkimKey): boolean => stage === 'Retired'

/** Whether the key's record is where the owner wants records to be. If not, a new key that is there follows it. */
export function isInPlace({ selector, delegatedTo }: DkimKey, { delegated }: Pick<LineFacts, 'delegated'>): boolean {
  if (delegated === undefined) return delegatedTo === undefined
  return delegated.some((its) => its.selector === selector && its.delegatedTo === delegatedTo)
}

type Turns = Pick<LineFacts, 'delegated' | 'sightingOf'>

/** The selector for the next key, preferably one without any recorded key. Undefined where none is free, or none is delegated. */
export function nextSelector(line: readonly DkimKey[], { delegated = [], sightingOf }: Turns) {
  const isGone = (key: DkimKey): boolean => {
    const { isHeld, inUse } = sightingOf(key)
    return isOver(key) && !isHeld && inUse === 'no'
  }
  const keysAt = ({ selector }: DelegatedSelector) => line.filter((key) => key.selector === selector)
  const free = delegated.filter((its) => keysAt(its).every(isGone))
  return free.find((its) => keysAt(its).length === 0) ?? free[0]
}

/**
 * How long receivers may cache the earlier record of a selector: the TTL that we propose (one hour), and two clocks that are an
 * hour off.
 */
export const forgottenMs = 3 * 3_600_000

/**
 * How long (milliseconds) a key's record must have been seen before the key signs. On a delegated selector, receivers may still
 * have another key's record in their cache, except for the very first key.
 */
export const settlingMs = ({ delegatedTo }: DkimKey, line: readonly DkimKey[]): number =>
  delegatedTo === undefined || line.length === 1 ? 1 : forgottenMs
