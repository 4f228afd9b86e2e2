/**
 * Moves the keys of one domain and one kind through their stages: the next signs when its record is seen, an old one goes when
 * nobody needs it.
 */
import type { DkimKey, DkimStage } from './dkim-key.ts'
import type { LineFacts } from './dkim-line-facts.ts'
import { isInPlace, isOver, nextSelector, settlingMs } from './dkim-turns.ts'

/**
 * A `since` further in the future than this was written by a wrong clock; less than that may be the ordinary difference of two
 * clocks.
 */
const aheadMs = 24 * 3_600_000

/** At most so many keys at a time: receivers may still ask for the record of each, so a faster rotation than that has to wait. */
const mostInLine = 16

const isComing = ({ stage }: DkimKey): boolean => stage === 'Pending' || stage === 'Published'

/** The key that signs: the newest Active one. A line is in the order in which its keys were made. */
export const signerOf = (line: readonly DkimKey[]): DkimKey | undefined =>
  line.findLast(({ stage }) => stage === 'Active')

/** Moves each key by at most one stage, since what is done next (signing, publishing) depends on the stages that are recorded. */
export function nextInLine(line: readonly DkimKey[], facts: LineFacts): readonly DkimKey[] {
  const signer = signerOf(line)
  const successor = line.findLast((key) => key.stage === 'Published' && facts.isWanted && mayBegin(key, line, facts))
  const next = line.map((key) => at(key, steps[key.stage](key, { line, signer, successor, facts }), facts.now))
  return withoutOld(next, facts)
}

type Place = {
  readonly line: readonly DkimKey[]
  readonly signer: DkimKey | undefined
  readonly successor: DkimKey | undefined
  readonly facts: LineFacts
}

/**
 * Whether a Published key may begin to sign: after it was recorded as Published, and as much later as two looks have to be
 * apart, its record was looked at and seen everywhere once more.
 */
function mayBegin(key: DkimKey, line: readonly DkimKey[], { sightingOf }: LineFacts): boolean {
  const { record, isHeld } = sightingOf(key)
  if (!isHeld || record?.seen !== 'everywhere') return false
  return record.checkedAt - key.since >= Math.max(settlingMs(key, line), record.apartMs)
}

type Step = (key: DkimKey, place: Place) => DkimStage

const isOlder = (key: DkimKey, than: DkimKey | undefined, line: readonly DkimKey[]): boolean =>
  than !== undefined && line.indexOf(key) < line.indexOf(than)

const beforeItSigns: Step = (key, { line, signer, successor, facts }) => {
  const { record, isHeld } = facts.sightingOf(key)
  if (key === successor) return 'Active'
  // An older key than the signer may have signed earlier, if its stage was lost with a status; so its record stays for a while.
  if (isOlder(key, signer, line)) return 'Retiring'
  if (!isHeld || !facts.isWanted) return 'Retired'
  // The owner has moved the records elsewhere, so this one is not published any more. It may have signed before a status was
  // lost.
  if (!isInPlace(key, facts) && facts.sightingOf(key).inUse === 'no') return 'Retiring'
  // An operator that has just started has not looked yet; that does not undo what was seen before.
  if (record === undefined) return key.stage
  return record.seen === 'everywhere' ? 'Published' : 'Pending'
}

const whileItSigns: Step = (key, { line, signer, facts }) => {
  const isFollowed = isOlder(key, signer, line) || !facts.isWanted
  return isFollowed && facts.sightingOf(key).inUse === 'no' ? 'Retiring' : 'Active'
}

const afterItSigned: Step = (key, { facts }) => {
  const { inUse } = facts.sightingOf(key)
  if (inUse === 'yes') return 'Active'
  return inUse === 'no' && facts.now - key.since >= facts.keepMs ? 'Retired' : 'Retiring'
}

const steps: Readonly<Record<DkimStage, Step>> = {
  Pending: beforeItSigns,
  Published: beforeItSigns,
  Active: whileItSigns,
  Retiring: afterItSigned,
  Retired: () => 'Retired',
}

function at(key: DkimKey, stage: DkimStage, now: number): DkimKey {
  const isSame = key.stage === stage && key.since - now <= aheadMs
  return isSame ? key : { ...key, stage, since: now }
}

/**
 * Drops retired keys, except the last one, for people to see, unless another key has its selector; and except those whose private
 * key still exists.
 */
const withoutOld = (line: readonly DkimKey[], { sightingOf }: LineFacts): readonly DkimKey[] => {
  const isFollowed = (old: DkimKey): boolean => line.some((key) => key !== old && key.selector === old.selector)
  const last = line.findLast((key) => isOver(key) && !isFollowed(key))
  return line.filter((key) => !isOver(key) || key === last || sightingOf(key).isHeld)
}

/**
 * Whether another key has to be made: none signs or is on its way to sign, or the signer is due for rotation, has its record
 * elsewhere than the owner wants it, or its private key is lost. Where no delegated selector is free, this waits for one.
 */
export function wantsNext(line: readonly DkimKey[], facts: LineFacts): boolean {
  const { isWanted, everyMs, now, sightingOf } = facts
  const signer = signerOf(line)
  if (!isWanted || line.some(isComing) || line.length >= mostInLine) return false
  if (facts.delegated !== undefined && nextSelector(line, facts) === undefined) return false
  if (signer === undefined || !sightingOf(signer).isHeld || !isInPlace(signer, facts)) return true
  return everyMs !== undefined && now - signer.since >= everyMs
}

/** When the next change by time alone is due (milliseconds since the epoch); undefined: never. */
export function nextMomentOf(line: readonly DkimKey[], { everyMs, keepMs }: LineFacts): number | undefined {
  const moments = line.flatMap(({ stage, since }) => {
    if (stage === 'Retiring') return [since + keepMs]
    return stage === 'Active' && everyMs !== undefined ? [since + everyMs] : []
  })
  return moments.length === 0 ? undefined : Math.min(...moments)
}
