/** Statuses as they are written: what was compiled, corrected by what the relays report. Pure. */
import type { Compiled, Condition, Status } from '../compile/compiled.ts'
import { expired } from '../compile/expiry.ts'
import type { Name, Ref } from '../compile/snapshot.ts'
import { mergeConditions, type Stamped } from '../conditions.ts'
import type { Standing } from './standing.ts'

export type StampedStatus = {
  readonly observedGeneration: number
  readonly conditions: readonly Stamped[]
  readonly [field: string]: unknown
}
export type Statuses = ReadonlyMap<Ref, StampedStatus>

/** `standings` by RelayPolicy; where one is absent, nothing new is known and what was said before stays. */
export function observedStatuses(
  compiled: Compiled,
  standings: ReadonlyMap<Name, Standing>,
  before: Statuses,
  now: string,
): Statuses {
  const fleets = fleetsByCredential(compiled)
  const over = expired(compiled, Date.parse(now))
  return new Map(
    [...compiled.statuses].map(([ref, status]) => {
      const old = before.get(ref)?.conditions ?? []
      const found = corrected(ref, status, standings, fleets) ?? asBefore(status, old)
      const conditions = mergeConditions(
        old,
        [...found, ...[over.get(ref) ?? []].flat()],
        status.observedGeneration,
        now,
      )
      return [ref, { ...status, ...observedFields(ref, standings), conditions }] as const
    }),
  )
}

/** The statuses of what was not compiled: it may be in a file that could not be read, and says so; without one it waits. */
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
      [unread, ...conditions.filter((c) => c.type !== 'Accepted' && c.type !== 'Ready')],
      observedGeneration,
      now,
    ),
  })
  const missing = [...before].filter(([ref]) => !compiled.statuses.has(ref))
  return new Map(missing.map(([ref, status]) => [ref, files.length === 0 ? status : told(status)]))
}

function fleetsByCredential({ fleets }: Compiled): ReadonlyMap<string, Name> {
  return new Map(
    [...fleets].flatMap(([policy, { config }]) => (config?.credentials ?? []).map((c) => [c.name, policy])),
  )
}

/** Undefined: this object waits for evidence that is not there yet. */
function corrected(
  ref: Ref,
  status: Status,
  standings: ReadonlyMap<Name, Standing>,
  fleets: ReadonlyMap<string, Name>,
): readonly Condition[] | undefined {
  const [kind, name] = ref.split(' ') as [string, Name]
  const standing = standings.get(kind === 'RelayPolicy' ? name : (fleets.get(name) ?? name))
  switch (kind) {
    case 'RelayPolicy':
      return isPending(status) && standing === undefined ? undefined : withEvidence(status, standing)
    case 'RelayCredential':
      if (!isPending(status) || !fleets.has(name)) return status.conditions
      return standing === undefined ? undefined : programmedAs(status, standing, fleets.get(name) ?? name)
    default:
      return status.conditions
  }
}

const isPending = ({ conditions }: Status): boolean =>
  conditions.some((c) => c.type === 'Programmed' && c.status === 'Unknown')

const replacing = (conditions: readonly Condition[], by: Condition): readonly Condition[] =>
  conditions.map((c) => (c.type === by.type ? by : c))

/** What compile said for good about Programmed, it knows better than the relay. */
function withEvidence(status: Status, standing: Standing | undefined): readonly Condition[] {
  const { programmed, degraded } = standing ?? {}
  const conditions = isPending(status) && programmed ? replacing(status.conditions, programmed) : status.conditions
  return degraded === undefined ? conditions : [...conditions, degraded]
}

function programmedAs(status: Status, { programmed }: Standing, policy: Name): readonly Condition[] {
  const good = programmed.status === 'True'
  return replacing(status.conditions, {
    type: 'Programmed',
    status: programmed.status,
    reason: good ? 'Programmed' : 'PolicyNotProgrammed',
    message: good ? `the relay of RelayPolicy ${policy} knows it` : `RelayPolicy ${policy}: ${programmed.message}`,
  })
}

const asBefore = (status: Status, old: readonly Stamped[]): readonly Condition[] => {
  const programmed = old.find((c) => c.type === 'Programmed')
  return programmed === undefined ? status.conditions : replacing(status.conditions, programmed)
}

function observedFields(ref: Ref, standings: ReadonlyMap<Name, Standing>): Readonly<Record<string, unknown>> {
  const standing = ref.startsWith('RelayPolicy ') ? standings.get(ref.slice('RelayPolicy '.length) as Name) : undefined
  if (standing === undefined) return {}
  const { hash } = standing
  return { replicas: hash === undefined ? 0 : 1, ...(hash !== undefined && { configHash: hash }) }
}
