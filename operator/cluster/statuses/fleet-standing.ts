/** How a fleet stands by what its relays report: all of its conditions, and when to judge it again. Pure. */
import { type Certificates, certificateMoments, certificateValidBy } from '../../certificate-valid.ts'
import type { Condition } from '../../compile/compiled.ts'
import { degradedBy } from '../../degraded.ts'
import { toTheSecond } from '../../lifecycle/to-the-second.ts'
import { claimName } from '../../manifests/names.ts'
import { spoolReset } from '../../spools.ts'
import type { Standing } from '../../standing.ts'
import { ordinalOf } from '../fleets/leaving.ts'
import { availableBy } from './available.ts'
import { relayAway } from './away.ts'
import { type FleetEvidence, lasts, lateMs, present, serving, staying } from './fleet-evidence.ts'
import { patienceMs, programmedBy } from './programmed.ts'
import { type RouteHealth, routeHealth } from './route-health.ts'
import { type Leaver, leavers, scalingDownBy, stateOf } from './scaling-down.ts'

export type FleetStanding = Standing & {
  /** Whether no relay has taken mail for long. Then what was in force before is in force no longer. */
  readonly down: boolean
  /** How its smarthosts are, by route. */
  readonly routes: readonly RouteHealth[]
}

/** How many messages wait at the pod with that uid, rounded for a status: see `queued-sample.ts`. */
type Queued = (uid: string) => number | undefined

/** `before`: how it stood last. */
export function fleetStanding(evidence: FleetEvidence, queued: Queued, before?: FleetStanding): FleetStanding {
  const { noneReadySince, replicas, now, maxAgeMs } = evidence
  const relays = staying(evidence).flatMap(({ pod, report }) =>
    report === undefined ? [] : [{ name: pod.name, status: report }],
  )
  const optional = [
    certificateValidBy(certificatesOf(evidence)),
    scalingDownBy(evidence, queued),
    spoolReset(evidence.spools, (pod) => `claim ${claimName(pod)}`),
    relayAway(evidence) ?? degradedBy(relays, maxAgeMs, 'status.routes and their logs'),
  ]
  const { settled, programmed } = programmedBy(evidence)
  const routes = routeHealth(
    present(evidence).flatMap(({ report }) => report ?? []),
    before?.routes ?? [],
  )
  return {
    settled,
    programmed: bounded(programmed),
    further: [availableBy(evidence), ...optional.filter((c) => c !== undefined)].map(bounded),
    routes,
    fields: { ...fieldsOf(evidence, queued), ...(routes.length > 0 && { routes }) },
    down: replicas === 0 || lasts(noneReadySince, lateMs, now),
  }
}

const certificatesOf = (evidence: FleetEvidence): Certificates => ({
  reported: serving(evidence).flatMap(({ report }) => report?.certificates ?? []),
  issuedEndsAt: evidence.written.certificateEndsAt,
  now: evidence.now,
})

/** When the verdict may change without any news; milliseconds since the epoch. */
export function nextMoment(evidence: FleetEvidence): number {
  const since = [evidence.noneReadySince, ...evidence.pods.map(({ lagsSince }) => lagsSince)]
  const moments = since.flatMap((at) => (at === undefined ? [] : [at + patienceMs, at + lateMs]))
  for (const since of evidence.away.values()) moments.push(since + evidence.maxAgeMs)
  for (const { pod } of evidence.pods) if (pod.goneBy !== undefined) moments.push(pod.goneBy + lateMs)
  for (const { since: at } of leavers(evidence)) if (at !== undefined) moments.push(at + evidence.drainTimeoutMs)
  return Math.min(
    ...[...moments, ...certificateMoments(certificatesOf(evidence))].filter((moment) => moment > evidence.now),
  )
}

/** A status can hold many such messages, however long the text of a relay or a kubelet is. */
const bounded = (condition: Condition): Condition => ({ ...condition, message: condition.message.slice(0, 2048) })

/** The schema's limit, of pods and of spools as of spec.replicas. */
const mostPods = 100

/** Whether a policy can ask for that relay. A StatefulSet that was made larger by hand has others until they have drained. */
const isDeclarable = ({ name }: { readonly name: string }): boolean => !(ordinalOf(name) >= mostPods)

function fieldsOf(evidence: FleetEvidence, queued: Queued): Standing['fields'] {
  const pods = present(evidence)
  const leaving = new Map(leavers(evidence).map((leaver) => [leaver.name, leaver]))
  const { hash } = evidence.written
  const spools = evidence.spools.filter(isDeclarable)
  const always = {
    ...(hash !== undefined && { configHash: hash }),
    ...(spools.length > 0 && { spools }),
  }
  if (!evidence.knowsPods) return always
  return {
    ...always,
    replicas: pods.length,
    readyReplicas: serving(evidence).length,
    pods: pods.slice(0, mostPods).map(({ pod, report }) => {
      const waiting = queued(pod.uid)
      return {
        name: pod.name,
        ready: pod.ready,
        ...(report !== undefined && { configHash: report.hash }),
        ...(waiting !== undefined && { queued: waiting }),
        ...drainOf(leaving.get(pod.name)),
      }
    }),
  }
}

const drainOf = (leaver: Leaver | undefined) =>
  leaver?.since === undefined ? {} : { drain: { since: toTheSecond(leaver.since), state: stateOf(leaver) } }
