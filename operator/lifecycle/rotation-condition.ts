/** The condition RotationInProgress while the keys of a domain change; the first check that applies decides. */
import { type DkimKey, keyTypeOf } from './dkim-key.ts'
import { dkimRecordText } from './dkim-record.ts'
import { forgottenMs } from './dkim-turns.ts'
import type { KeyCondition } from './domain-keys.ts'
import { selectorName } from './records-wanted.ts'
import { toTheSecond } from './to-the-second.ts'

type Facts = {
  readonly domain: string
  readonly keys: readonly DkimKey[]
  /** How long (milliseconds) a record stays after the last relay has stopped using its key. */
  readonly keepMs: number
}
type Check = (facts: Facts) => KeyCondition | undefined

const inProgress = (reason: string, message: string): KeyCondition => ({
  type: 'RotationInProgress',
  status: 'True',
  reason,
  message,
})
const names = (keys: readonly DkimKey[]): string => keys.map(({ selector }) => selector).join(', ')
const at = (keys: readonly DkimKey[], stage: DkimKey['stage']): readonly DkimKey[] =>
  keys.filter((key) => key.stage === stage)

/** The DNS records that have to be published for a key, in words for a person. */
function recordText(domain: string, { selector, algorithm, publicKey, delegatedTo }: DkimKey): string {
  const name = selectorName(selector, domain)
  const record = `${delegatedTo ?? name} TXT "${dkimRecordText(keyTypeOf(algorithm), publicKey)}"`
  return delegatedTo === undefined ? record : `${record}, to which ${name} has to be a CNAME`
}

const waits: Check = ({ domain, keys }) => {
  const pending = at(keys, 'Pending')
  if (pending.length === 0) return undefined
  const wanted = pending.map((key) => recordText(domain, key)).join('; ')
  const active = at(keys, 'Active')
  // None does where signing was switched off and on again, and the keys from before only keep their records.
  const until = active.length === 0 ? 'no key signs' : `${names(active)} goes on signing`
  return inProgress(
    'RecordPending',
    `${names(pending)}: waits until every server that is asked shows its record; publish ${wanted}; until then ${until}`,
  )
}

/** For delegated selectors: why the key waits longer before it signs. */
const settles = (keys: readonly DkimKey[]): string =>
  keys.some(({ delegatedTo }) => delegatedTo !== undefined)
    ? `, ${forgottenMs / 3_600_000} hours later, when no cache can still have the record of an earlier key of the same selector`
    : ''

const begins: Check = ({ keys }) => {
  const published = at(keys, 'Published')
  if (published.length === 0) return undefined
  return inProgress(
    'RecordSeen',
    `${names(published)}: its record is seen everywhere; it signs when it is seen once more${settles(published)}`,
  )
}

const follows: Check = ({ keys }) => {
  const older = at(keys, 'Active').filter((key, i, active) =>
    active.slice(i + 1).some((other) => keyTypeOf(other.algorithm) === keyTypeOf(key.algorithm)),
  )
  if (older.length === 0) return undefined
  return inProgress(
    'RelaysFollow',
    `${names(older)}: another key follows it, but not every relay has switched to that yet`,
  )
}

const retires: Check = ({ keys, keepMs }) => {
  const retiring = at(keys, 'Retiring')
  if (retiring.length === 0) return undefined
  const until = toTheSecond(Math.max(...retiring.map(({ since }) => since + keepMs)))
  return inProgress(
    'OldKeyRetiring',
    `${names(retiring)}: signs no more; its record stays until ${until} for mail that is under way`,
  )
}

const checks: readonly Check[] = [waits, begins, follows, retires]

/** Empty while the very first key waits: that is no rotation, and DKIMValid says what is missing. */
export function rotationConditions(facts: Facts): readonly KeyCondition[] {
  const isFirst = at(facts.keys, 'Active').length + at(facts.keys, 'Retiring').length === 0
  if (isFirst) return []
  return checks
    .map((check) => check(facts))
    .filter((found) => found !== undefined)
    .slice(0, 1)
}
