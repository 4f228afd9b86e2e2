/** Relays that are to leave, what mail they have, and since when: the condition ScalingDown. Pure. */
import type { Condition } from '../../compile/compiled.ts'
import { discardQueue } from '../../compile/own-annotations.ts'
import { few } from '../../few.ts'
import { toTheSecond } from '../../lifecycle/to-the-second.ts'
import { claimName } from '../../manifests/names.ts'
import { podName } from '../fleets/leaving.ts'
import { type FleetEvidence, lasts } from './fleet-evidence.ts'
import type { AskedPod } from './inquiry.ts'
import { whereTold, whyEnding } from './why-fewer.ts'

export type Leaver = {
  readonly name: string
  /** Absent while there is no pod. */
  readonly asked?: AskedPod
  /** Since when it is told to leave. */
  readonly since?: number
}

/** Every relay beyond those that are to stay; the one that goes first comes first. */
export function leavers({ fleet, replicas, standing, pods }: FleetEvidence): readonly Leaver[] {
  const wanted = replicas ?? standing
  return Array.from({ length: Math.max(0, standing - wanted) }, (_, i) => {
    const name = podName(fleet, standing - 1 - i)
    const asked = pods.find(({ pod }) => pod.name === name && !pod.leaving)
    const since = asked?.pod.drainSince
    return { name, ...(asked !== undefined && { asked }), ...(since !== undefined && { since }) }
  })
}

export type LeaverState = 'Draining' | 'Drained' | 'Unknown'

/** A relay that does not answer may hold mail. */
export const stateOf = ({ asked }: Leaver): LeaverState =>
  asked?.report === undefined ? 'Unknown' : (asked.report.drain ?? 'Draining')

const isOverdue = ({ since }: Leaver, { drainTimeoutMs, now }: FleetEvidence): boolean =>
  lasts(since, drainTimeoutMs, now)

/** The reasons of the condition, the worst first: the first one that holds for any relay is told. */
const reasons: readonly (readonly [string, (leaver: Leaver, evidence: FleetEvidence) => boolean])[] = [
  ['DrainOverdue', (leaver, evidence) => stateOf(leaver) !== 'Drained' && isOverdue(leaver, evidence)],
  ['DrainUnknown', (leaver) => stateOf(leaver) === 'Unknown'],
  ['Draining', () => true],
]

export function scalingDownBy(
  evidence: FleetEvidence,
  queued: (uid: string) => number | undefined,
): Condition | undefined {
  const all = leavers(evidence)
  if (all.length === 0) return undefined
  const reason = reasons.find(([, holds]) => all.some((leaver) => holds(leaver, evidence)))?.[0] ?? 'Draining'
  const told = few(all.map((leaver) => leaverText(leaver, evidence, queued)))
  const mends = mendsFor(reason, all, evidence)
  const message = evidence.leaving
    ? `the policy is being deleted, and is gone when no relay has mail; ${told}${mends}`
    : `${evidence.replicas} relays are to stay; ${told}; a relay goes when its queue is empty${mends}`
  return { type: 'ScalingDown', status: 'True', reason, message }
}

function leaverText(leaver: Leaver, evidence: FleetEvidence, queued: (uid: string) => number | undefined): string {
  const { name, asked, since } = leaver
  const begun = since === undefined ? '' : ` since ${toTheSecond(since)}`
  switch (stateOf(leaver)) {
    case 'Drained':
      return `${name} has no mail left`
    case 'Unknown':
      return `${name} leaves${begun} and does not say what it has: ${asked === undefined ? whyAbsent(name, evidence) : (asked.pod.waiting ?? 'it does not answer')}`
    case 'Draining': {
      const count = asked === undefined ? undefined : queued(asked.pod.uid)
      return `${name} leaves${begun}${count === undefined || count === 0 ? '' : ` and has ${count} messages or more`}`
    }
  }
}

function whyAbsent(name: string, evidence: FleetEvidence): string {
  const ending = evidence.pods.find(({ pod }) => pod.name === name)
  return ending === undefined ? `it is not there; ${whereTold(evidence.fleet, 'it')}` : whyEnding(ending.pod, evidence)
}

function mendsFor(reason: string, all: readonly Leaver[], { suspended, leaving }: FleetEvidence): string {
  if (suspended) return '; spec.suspended is true, so nothing is delivered: set it to false'
  if (all.every((leaver) => stateOf(leaver) === 'Drained') || (reason === 'Draining' && !leaving)) return ''
  const claims = few(
    all.filter((leaver) => stateOf(leaver) !== 'Drained').map(({ name }) => claimName(name)),
    ', ',
  )
  return (
    '; what the next hop replies is in status.routes and in its log; to let it go with its mail, which stays on ' +
    `${claims}, annotate the policy with ${discardQueue}=true`
  )
}
