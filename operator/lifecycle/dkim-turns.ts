/**
 * Where selectors are delegated, the keys of one kind take two of them in turns: never two keys at one time, and the next
 * one only when mail that names its selector can be no other key's.
 */
import type { DelegatedSelector } from './delegated-selectors.ts'
import type { DkimKey } from './dkim-key.ts'
import type { LineFacts } from './dkim-line-facts.ts'

export const isOver = ({ stage }: DkimKey): boolean => stage === 'Retired'

/** Whether it is where the owner wants keys to be: a key that is elsewhere is followed by one that is. */
export function isInPlace({ selector, delegatedTo }: DkimKey, { delegated }: Pick<LineFacts, 'delegated'>): boolean {
  if (delegated === undefined) return delegatedTo === undefined
  return delegated.some((its) => its.selector === selector && its.delegatedTo === delegatedTo)
}

type Turns = Pick<LineFacts, 'delegated' | 'sightingOf'>

/** One that nobody remembers goes first. Undefined where each is somebody's, or none is delegated. */
export function nextSelector(line: readonly DkimKey[], { delegated = [], sightingOf }: Turns) {
  const isGone = (key: DkimKey): boolean => {
    const { isHeld, inUse } = sightingOf(key)
    return isOver(key) && !isHeld && inUse === 'no'
  }
  const keysAt = ({ selector }: DelegatedSelector) => line.filter((key) => key.selector === selector)
  const free = delegated.filter((its) => keysAt(its).every(isGone))
  return free.find((its) => keysAt(its).length === 0) ?? free[0]
}

/** As long as a receiver keeps the record that a name had before, which is the TTL that is proposed, and two clocks that are an hour off. */
export const forgottenMs = 3 * 3_600_000

/**
 * How long the record of a key is seen before it signs. Where another key may have had its selector, receivers may still
 * have the record of that one; the first key of all follows nobody.
 */
export const settlingMs = ({ delegatedTo }: DkimKey, line: readonly DkimKey[]): number =>
  delegatedTo === undefined || line.length === 1 ? 1 : forgottenMs
