/**
 * Which relays of a fleet are to leave: those beyond what is declared. A StatefulSet gets smaller from the top, and only
 * past relays that hold no mail. Pure.
 */
import type { CompiledFleet } from '../../compile/compiled.ts'
import { type Name, splitName } from '../../compile/snapshot.ts'
import { mayHoldMail, type SpoolRecord } from '../../spools.ts'
import type { KubeObject } from '../api/object.ts'
import { standingStatus } from '../watch/standing-status.ts'

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

/** Since when the fleet has been getting smaller, by the condition ScalingDown; milliseconds since the epoch. */
export function shrinkingSince(status: Readonly<Record<string, unknown>> | undefined): number | undefined {
  const found = standingStatus(status).conditions.find((c) => c.type === 'ScalingDown' && c.status === 'True')
  const since = Date.parse(found?.lastTransitionTime ?? '')
  return Number.isNaN(since) ? undefined : since
}

/** What is declared of a fleet's leaving relays. */
export type Leave = {
  /** How many relays are to stay. */
  readonly wanted: number
  readonly drainTimeoutMs: number
  /** By an annotation, a person has given up the mail that they can not deliver. */
  readonly discard: boolean
  /** The whole fleet leaves. */
  readonly whole: boolean
}

/** Undefined for a fleet that is held, none of whose relays is to leave, unless its policy is being deleted. */
export function leaveOf(fleet: CompiledFleet): Leave | undefined {
  const whole = fleet.leaving === true
  if (fleet.kind === 'hold' && !whole) return undefined
  const [wanted, { drainTimeoutMs }] =
    fleet.kind === 'hold' ? [0, ordinaryAvailability] : [fleet.replicas, fleet.availability]
  return { wanted, drainTimeoutMs, discard: fleet.discardQueue === true, whole }
}

/** For a fleet that is held, whose policy can not be read: the defaults of the schema. */
export const ordinaryAvailability = { maxUnavailable: 1, drainTimeoutMs: 1_800_000 }

/**
 * Whether a relay may go with its mail: a person has given that up, and it has had its time to deliver. Where the whole fleet
 * goes it needs no time, since whoever deletes the policy says so now.
 */
export const isGivenUp = ({ discard, whole, drainTimeoutMs }: Leave, since: number | undefined, now: number): boolean =>
  discard && since !== undefined && (whole || now - since >= drainTimeoutMs)
