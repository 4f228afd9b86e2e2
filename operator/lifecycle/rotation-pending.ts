/**
 * The condition RotationPending of a credential with more than one key: which is old, who still uses it, and when it ends. Pure.
 */
import { type Heard, type Key, type KeyUse, pendingOf, type Rotation, retiringOf, rfc3339, timeOf } from './keys.ts'
import { isInUse, type Retirement, retirementOf } from './retirement.ts'

export type RotationPending = {
  readonly type: 'RotationPending'
  readonly status: 'True'
  readonly reason: (typeof rotationReasons)[number]
  readonly message: string
}

/** The worst first; of several, the worst is the condition's reason. */
export const rotationReasons = ['OldKeyOverdue', 'UseUnknown', 'OldKeyInUse', 'NewKeyPending', 'Overlap'] as const

type Part = Pick<RotationPending, 'reason' | 'message'>

/** Undefined: there is one key, and nothing to wait for. */
export function rotationPending(
  keys: readonly Key[],
  rotation: Rotation,
  heard: Heard,
  now: number,
): RotationPending | undefined {
  const parts = [
    ...retiringOf(keys).map((key) => ofRetiring(key, rotation, heard, now)),
    ...[pendingOf(keys)].flatMap((key) => (key === undefined ? [] : [ofPending(key)])),
  ].toSorted((a, b) => rotationReasons.indexOf(a.reason) - rotationReasons.indexOf(b.reason))
  const [worst] = parts
  if (worst === undefined) return undefined
  const message = parts.map((part) => part.message).join('; ')
  return { type: 'RotationPending', status: 'True', reason: worst.reason, message }
}

const ofPending = ({ id }: Key): Part => ({
  reason: 'NewKeyPending',
  message: `key ${id} is made; the Secret gets it as soon as every ready relay accepts it`,
})

function ofRetiring(key: Key, rotation: Rotation, heard: Heard, now: number): Part {
  const use = heard.uses.get(key.id)
  const retirement = retirementOf(key, rotation, heard, now)
  const about = `key ${key.id}, replaced at ${toTheMinute(timeOf(key.replacedAt) ?? now)},`
  if (use !== undefined && isInUse(key, heard)) {
    const isOverdue = now >= (timeOf(key.replacedAt) ?? 0) + rotation.overlapMs
    return {
      reason: isOverdue ? 'OldKeyOverdue' : 'OldKeyInUse',
      message: `${about} ${usedBy(use)}; have that client read the Secret anew. ${endsWhen(key, retirement)}`,
    }
  }
  const last = inAnyCase(key)
  if (retirement.is === 'unknown') {
    const since = heard.upTo === undefined ? '' : ` since ${toTheMinute(heard.upTo)}`
    return {
      reason: 'UseUnknown',
      message: `${about} may be in use: not every relay that takes mail has told${since}. It stays until they have, and is refused ${last}`,
    }
  }
  return { reason: 'Overlap', message: `${about} has not been used since. ${endsWhen(key, retirement)}` }
}

/** Relays are asked about once a minute, so seconds would mean nothing. */
const toTheMinute = (ms: number): string => rfc3339(ms).replace(/:\d\d\.\d+Z$/, 'Z')

const usedBy = ({ at, network }: KeyUse): string => `was last used at ${toTheMinute(at)} from ${network}`

function endsWhen(key: Key, retirement: Retirement): string {
  const last = inAnyCase(key)
  if (retirement.is !== 'running') return `It is refused as soon as every relay has told so, and ${last}`
  return `It is refused from ${toTheMinute(retirement.until)} on if nobody uses it until then, and ${last}`
}

const inAnyCase = ({ expiresAt }: Key): string =>
  expiresAt === undefined
    ? 'as soon as spec.rotation.trigger is changed again'
    : `from ${toTheMinute(timeOf(expiresAt) ?? 0)} on in any case`
