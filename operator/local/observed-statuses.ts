/** The statuses that local mode writes: of compiled objects, and of those that may be in a file that can not be read. Pure. */
import type { Compiled, Condition, Status } from '../compile/compiled.ts'
import { expired } from '../compile/expiry.ts'
import { isOf, type Name, nameIn, type Ref } from '../compile/snapshot.ts'
import { mergeConditions } from '../conditions.ts'
import type { Look } from '../dns/verifier.ts'
import { fleetsByObject } from '../fleets-by-object.ts'
import { keySaying, usesRecorded } from '../key-saying.ts'
import type { Heard, Key } from '../lifecycle/keys.ts'
import { isPending, observedStatus, type StampedStatus } from '../observed-status.ts'
import { type RecordsSaying, recordsSaying } from '../records-saying.ts'
import type { Standing } from '../standing.ts'
import { limitsIn, type UsageSaying, usageBefore, usageSaying, usedIn } from '../usage.ts'

export type Statuses = ReadonlyMap<Ref, StampedStatus>

/** `standings` are by RelayPolicy. Where one is missing, nothing new is known of the fleet, and what was said before stays. */
export function observedStatuses(
  compiled: Compiled,
  standings: ReadonlyMap<Name, Standing>,
  before: Statuses,
  now: string,
  look: (domain: Name) => Look | undefined = () => undefined,
  heard: (fleet: Name, credential: Name) => Heard = nothingHeard(before),
): Statuses {
  const fleets = fleetsByObject(compiled)
  const over = expired(compiled, Date.parse(now))
  const usage = usages(compiled, before)
  return new Map(
    [...compiled.statuses].map(([ref, status]) => {
      const fleet = fleets.get(ref)
      const standing = fleet === undefined ? undefined : standings.get(fleet)
      const { fields, condition } = usage(ref, standing)
      const records = recordsOf(ref, compiled, before, look)
      const keys = keysOf(ref, status['keys'] as readonly Key[] | undefined, fleet, compiled, heard, Date.parse(now))
      const conditions = [condition ?? [], records?.conditions ?? [], keys?.condition ?? []].flat()
      const found = [
        over.get(ref) ?? [],
        conditions,
        standing === undefined ? healthBefore(ref, status, before) : [],
      ].flat()
      const evidence = { fleet, standing, found, fields: { ...fields, ...records?.fields, ...keys?.fields } }
      return [ref, observedStatus(ref, status, evidence, before.get(ref), now)] as const
    }),
  )
}

const reported = ['Degraded', 'CertificateValid']

/** Keeps what a relay has told of itself while it loads an edit: else each edit would remove the conditions and set them again. */
const healthBefore = (ref: Ref, status: Status, before: Statuses): readonly Condition[] =>
  isOf(ref, 'RelayPolicy') && isPending(status)
    ? (before.get(ref)?.conditions ?? []).filter(({ type }) => reported.includes(type))
    : []

function recordsOf(
  ref: Ref,
  { domainChecks }: Compiled,
  before: Statuses,
  look: (domain: Name) => Look | undefined,
): RecordsSaying | undefined {
  if (!isOf(ref, 'SenderDomain')) return undefined
  const name = nameIn(ref)
  const checks = domainChecks.get(name)
  return checks && recordsSaying(checks, look(name), before.get(ref) ?? { conditions: [] })
}

/** Until a relay has reported, only what the status recorded of the keys' use is known. */
const nothingHeard =
  (before: Statuses) =>
  (_fleet: Name, name: Name): Heard => ({
    uses: usesRecorded(before.get(`RelayCredential ${name}`) ?? {}),
    upTo: undefined,
  })

function keysOf(
  ref: Ref,
  keys: readonly Key[] | undefined,
  fleet: Name | undefined,
  { bindings }: Compiled,
  heard: (fleet: Name, credential: Name) => Heard,
  now: number,
) {
  if (!isOf(ref, 'RelayCredential') || keys === undefined || keys.length === 0 || fleet === undefined) return undefined
  const name = nameIn(ref)
  return keySaying(keys, bindings.get(name)?.rotation, heard(fleet, name), now)
}

/** What each credential has used of its limits; what was said before, where nothing new is known. */
function usages(compiled: Compiled, before: Statuses): (ref: Ref, standing: Standing | undefined) => UsageSaying {
  const limits = limitsIn(compiled)
  const used = new Map<Standing, ReturnType<typeof usedIn>>()
  return (ref, standing) => {
    const name = nameIn(ref)
    const its = isOf(ref, 'RelayCredential') ? limits.get(name) : undefined
    if (its === undefined) return { fields: {} }
    if (standing?.usage === undefined) return usageBefore(before.get(ref) ?? { conditions: [] })
    const ofFleet = used.get(standing) ?? usedIn([standing.usage])
    used.set(standing, ofFleet)
    return usageSaying(its, ofFleet.get(name))
  }
}

/**
 * The statuses of objects that were not compiled now: each says that the object may be in one of the unread `files`. Without
 * such a file, they stay as they are: the object has disappeared only a moment ago.
 */
export function unreadStatuses(before: Statuses, compiled: Compiled, files: readonly string[], now: string): Statuses {
  const unread: Condition = {
    type: 'Accepted',
    status: 'Unknown',
    reason: 'Unread',
    message: `it may be in ${files.join(', ')}, which can not be read: it stays as it is until that is mended`,
  }
  const told = ({ observedGeneration, conditions, ...rest }: StampedStatus): StampedStatus => ({
    ...rest,
    observedGeneration,
    conditions: mergeConditions(
      conditions,
      [unread, ...conditions.filter((c) => c.type !== 'Accepted')],
      observedGeneration,
      now,
    ),
  })
  const missing = [...before].filter(([ref]) => !compiled.statuses.has(ref))
  return new Map(missing.map(([ref, status]) => [ref, files.length === 0 ? status : told(status)]))
}
