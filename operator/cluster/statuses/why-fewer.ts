/** Why there are fewer relays than there should be, each in the words of the part that knows. Pure. */
import { type Name, splitName } from '../../compile/snapshot.ts'
import { few } from '../../few.ts'
import { toTheSecond } from '../../lifecycle/to-the-second.ts'
import { podName } from '../fleets/leaving.ts'
import type { RelayPod } from '../watch/relay-pod.ts'
import { type FleetEvidence, lasts, lateMs, present, staying } from './fleet-evidence.ts'
import type { AskedPod } from './inquiry.ts'
import { wrongIn } from './relay-report.ts'

/** Why a pod is not ready: in the words of Kubernetes, else of its relay. */
const whyNotReady = ({ pod, report }: AskedPod): string =>
  `${pod.name}: ${pod.waiting ?? ((report && wrongIn(report)) || 'it is not ready yet')}`

/**
 * One text for each pod that is not ready, that was to leave before, or that is being deleted; and one for all that are not
 * there.
 */
export function whyFewer(evidence: FleetEvidence): readonly string[] {
  const { fleet, replicas, standing, pods } = evidence
  const names = Array.from({ length: replicas ?? standing }, (_, i) => podName(fleet, i))
  const toStay = present(evidence).filter(({ pod }) => pod.drainSince !== undefined && names.includes(pod.name))
  const ending = pods.filter(({ pod }) => pod.leaving && names.includes(pod.name))
  const absent = names.filter((name) => !pods.some(({ pod }) => pod.name === name))
  return [
    ...staying(evidence)
      .filter(({ pod }) => !pod.ready)
      .map(whyNotReady),
    ...toStay.map(({ pod }) => `${pod.name}: it is marked as one that leaves, and has yet to hear that it stays`),
    ...ending.map(({ pod }) => `${pod.name}: ${whyEnding(pod, evidence)}`),
    ...(absent.length > 0
      ? [`${absent.length} pods are not there (${few(absent, ', ')}); ${whereTold(fleet, 'them')}`]
      : []),
  ]
}

/**
 * Where people find why pods are not there: the status of a StatefulSet does not say what its controller was refused, and its
 * Events do.
 */
export const whereTold = (fleet: Name, whom: 'it' | 'them'): string => {
  const { namespace, name } = splitName(fleet)
  return (
    `what keeps ${whom}, as a quota or Pod Security, is in the Events of StatefulSet ${fleet}: ` +
    `kubectl -n ${namespace} describe statefulset ${name}`
  )
}

/**
 * Why a pod does not end. Its name is not used again before it is gone; and where its node is lost, only a person can say
 * that it is.
 */
export function whyEnding({ namespace, name, waiting, goneBy }: RelayPod, { now }: Pick<FleetEvidence, 'now'>): string {
  const is = `it is being deleted${waiting === undefined ? '' : `, and ${waiting}`}`
  if (!lasts(goneBy, lateMs, now)) return is
  return (
    `${is}; it was to be gone by ${toTheSecond(goneBy ?? now)}: see to its node and its metadata.finalizers, or if the node is ` +
    `gone for good, kubectl -n ${namespace} delete pod ${name} --force`
  )
}
