/** The keys of one kind of one domain follow one another: the next signs when its record is seen, the last goes when nobody needs it. */
import type { DkimKey, DkimStage } from './dkim-key.ts'
import type { LineFacts } from './dkim-line-facts.ts'
import { isInPlace, isOver, nextSelector, settlingMs } from './dkim-turns.ts'

/** A clock may be an hour off; what is further ahead was written by one that was wrong. */
const aheadMs = 24 * 3_600_000

/** Who changes keys faster than their mail arrives waits: each of them has a record that receivers may still ask for. */
const mostInLine = 16

const isComing = ({ stage }: DkimKey): boolean => stage === 'Pending' || stage === 'Published'

/** The one that signs: of those that are Active the newest. Keys stand in the order in which they came. */
export const signerOf = (line: readonly DkimKey[]): DkimKey | undefined =>
  line.findLast(({ stage }) => stage === 'Active')

/** Each key's next stage, a step at a time: what is recorded now is what is acted on. */
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

/** Seen by everybody when it was recorded as Published, and looked at and seen once more since, long enough after that. */
function mayBegin(key: DkimKey, line: readonly DkimKey[], { sightingOf }: LineFacts): boolean {
  const { record, isHeld } = sightingOf(key)
  return isHeld && record?.seen === 'everywhere' && record.checkedAt - key.since >= settlingMs(key, line)
}

type Step = (key: DkimKey, place: Place) => DkimStage

const isOlder = (key: DkimKey, than: DkimKey | undefined, line: readonly DkimKey[]): boolean =>
  than !== undefined && line.indexOf(key) < line.indexOf(than)

const beforeItSigns: Step = (key, { line, signer, successor, facts }) => {
  const { record, isHeld } = facts.sightingOf(key)
  if (key === successor) return 'Active'
  // It may have signed once, before its stage was forgotten.
  if (isOlder(key, signer, line)) return 'Retiring'
  if (!isHeld || !facts.isWanted) return 'Retired'
  // Nobody publishes it there any more; whether it has signed may have been forgotten, too.
  if (!isInPlace(key, facts) && facts.sightingOf(key).inUse === 'no') return 'Retiring'
  // An operator that has just begun has not looked yet: what was seen before is not unseen by that.
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

/** Of those that are over the last one stays, for people to see, unless another has its selector; and each whose private key is still there. */
const withoutOld = (line: readonly DkimKey[], { sightingOf }: LineFacts): readonly DkimKey[] => {
  const isFollowed = (old: DkimKey): boolean => line.some((key) => key !== old && key.selector === old.selector)
  const last = line.findLast((key) => isOver(key) && !isFollowed(key))
  return line.filter((key) => !isOver(key) || key === last || sightingOf(key).isHeld)
}

/**
 * Whether one more has to be made: nobody signs and nobody is coming, or who signs is due to be followed, is elsewhere
 * than its owner wants it, or can not be given to another relay. Where no selector is free it waits for one.
 */
export function wantsNext(line: readonly DkimKey[], facts: LineFacts): boolean {
  const { isWanted, everyMs, now, sightingOf } = facts
  const signer = signerOf(line)
  if (!isWanted || line.some(isComing) || line.length >= mostInLine) return false
  if (facts.delegated !== undefined && nextSelector(line, facts) === undefined) return false
  if (signer === undefined || !sightingOf(signer).isHeld || !isInPlace(signer, facts)) return true
  return everyMs !== undefined && now - signer.since >= everyMs
}

/** When time alone changes something; absent: never. */
export function nextMomentOf(line: readonly DkimKey[], { everyMs, keepMs }: LineFacts): number | undefined {
  const moments = line.flatMap(({ stage, since }) => {
    if (stage === 'Retiring') return [since + keepMs]
    return stage === 'Active' && everyMs !== undefined ? [since + everyMs] : []
  })
  return moments.length === 0 ? undefined : Math.min(...moments)
}
