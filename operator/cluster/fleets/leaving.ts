/**
 * Which relays of a fleet are to leave: those beyond what is declared. A StatefulSet gets smaller from the top, and only
 * past relays that hold no mail. Pure.
 */
import type { CompiledFleet } from '../../compile/compiled.ts'
import { type Name, splitName } from '../../compile/snapshot.ts'
import { mayHoldMail, type SpoolRecord } from '../../spools.ts'
import type { KubeObject } from '../api/object.ts'

/** A pod's number in its StatefulSet; NaN where it has none. */
export const ordinalOf = (pod: string): number => Number(/-(\d+)$/.exec(pod)?.[1] ?? Number.NaN)

export const podName = (fleet: Name, ordinal: number): string => `${splitName(fleet).name}-${ordinal}`

/**
 * How many relays the fleet has: as its StatefulSet says; and where a relay beyond that may hold mail, as its spool is
 * remembered, that one too. Whoever deleted the StatefulSet, or made it smaller by hand, has delivered nothing.
 */
export function standing(made: readonly KubeObject[], spools: readonly SpoolRecord[], wanted: number): number {
  const set = made.find(({ kind }) => kind === 'StatefulSet') as { spec?: { replicas?: number } } | undefined
  const remembered = mayHoldMail(spools)
    .map((name) => ordinalOf(name) + 1)
    .filter((n) => !Number.isNaN(n))
  return Math.max(wanted, set?.spec?.replicas ?? 0, ...remembered)
}

/** Since when the fleet is getting smaller, by what its status says; milliseconds since the epoch. */
export function shrinkingSince(status: Readonly<Record<string, unknown>> | undefined): number | undefined {
  const conditions = (status?.['conditions'] ?? []) as readonly {
    readonly type: string
    readonly status: string
    readonly lastTransitionTime: string
  }[]
  const found = conditions.find((c) => c.type === 'ScalingDown' && c.status === 'True')
  const since = Date.parse(found?.lastTransitionTime ?? '')
  return Number.isNaN(since) ? undefined : since
}

/** What is declared of a fleet's leaving relays. */
export type Leave = {
  /** As many as are to be left. */
  readonly wanted: number
  readonly drainTimeoutMs: number
  /** A person has given up what they can not deliver. */
  readonly discard: boolean
  /** The whole fleet leaves. */
  readonly whole: boolean
}

/** Undefined for a fleet that is held: none of its relays is to leave. */
export function leaveOf(fleet: CompiledFleet): Leave | undefined {
  const whole = fleet.leaving === true
  if (fleet.kind === 'hold' && !whole) return undefined
  const [wanted, { drainTimeoutMs }] =
    fleet.kind === 'hold' ? [0, ordinaryAvailability] : [fleet.replicas, fleet.availability]
  return { wanted, drainTimeoutMs, discard: fleet.discardQueue === true, whole }
}

/** Of a held fleet nobody can tell; these are the schema's. */
export const ordinaryAvailability = { maxUnavailable: 1, drainTimeoutMs: 1_800_000 }

/** A person has given up its mail, and it has had its time. With the whole fleet it needs none: who deletes says so now. */
export const isGivenUp = ({ discard, whole, drainTimeoutMs }: Leave, since: number | undefined, now: number): boolean =>
  discard && since !== undefined && (whole || now - since >= drainTimeoutMs)
