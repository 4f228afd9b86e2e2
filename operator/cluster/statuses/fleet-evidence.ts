/** All that is known of a fleet when it is judged, as plain values. */
import type { Name } from '../../compile/snapshot.ts'
import { few } from '../../few.ts'
import { splitName } from '../../manifests/names.ts'
import type { SpoolRecord } from '../../spools.ts'
import type { FleetWritten } from '../fleets/fleets.ts'
import { podName } from '../fleets/leaving.ts'
import type { RelayPod } from '../watch/relay-pod.ts'
import type { AskedPod } from './inquiry.ts'

/** From here on, somebody should know that a relay lags, or does not end. */
export const lateMs = 30_000

export type FleetEvidence = {
  readonly fleet: Name
  /** Of the configuration that was compiled; for a fleet that is held, of what it has. */
  readonly wanted: string | undefined
  readonly written: FleetWritten
  /** Absent for a fleet that is held: it stays as it is. */
  readonly replicas: number | undefined
  /** Its policy is being deleted. */
  readonly leaving: boolean
  /** How many there are to be for now: more than `replicas` while some are to leave. */
  readonly standing: number
  readonly maxUnavailable: number
  readonly drainTimeoutMs: number
  readonly suspended: boolean
  readonly maxAgeMs: number
  readonly pods: readonly AskedPod[]
  /** Else there may be others. */
  readonly knowsPods: boolean
  /** Which spool each relay had, and what it has instead. */
  readonly spools: readonly SpoolRecord[]
  /** By pod, since when its relay is down with what it had accepted; wall clock. */
  readonly away: ReadonlyMap<string, number>
  /** Since when no pod is ready; wall clock. */
  readonly noneReadySince: number | undefined
  readonly now: number
}

/** Those that are there, also to deliver what they have, and leave. */
export const present = ({ pods }: Pick<FleetEvidence, 'pods'>): readonly AskedPod[] =>
  pods.filter(({ pod }) => !pod.leaving).toSorted((a, b) => (a.pod.name < b.pod.name ? -1 : 1))

/** Those that are to stay. */
export const staying = (evidence: Pick<FleetEvidence, 'pods'>): readonly AskedPod[] =>
  present(evidence).filter(({ pod }) => pod.drainSince === undefined)

/** Those that take mail: the only ones that count. */
export const serving = (evidence: Pick<FleetEvidence, 'pods'>): readonly AskedPod[] =>
  staying(evidence).filter(({ pod }) => pod.ready)

/** Why a pod is not ready, in the words of whoever knows. */
export const whyNotReady = ({ pod, report }: AskedPod): string =>
  `${pod.name}: ${pod.waiting ?? report?.configError ?? (report?.notReady.join('; ') || 'it is not ready yet')}`

/** Why relays are fewer than declared: each that is not ready, each that has yet to end, and those that are not there. */
export function whyFewer(evidence: FleetEvidence): readonly string[] {
  const { fleet, replicas, standing, pods } = evidence
  const names = Array.from({ length: replicas ?? standing }, (_, i) => podName(fleet, i))
  const ending = pods.filter(({ pod }) => pod.leaving && names.includes(pod.name))
  const absent = names.filter((name) => !pods.some(({ pod }) => pod.name === name))
  return [
    ...staying(evidence)
      .filter(({ pod }) => !pod.ready)
      .map(whyNotReady),
    ...ending.map(({ pod }) => `${pod.name}: ${whyEnding(pod, evidence)}`),
    ...(absent.length > 0
      ? [`${absent.length} pods are not there (${few(absent, ', ')}); ${whereTold(fleet, 'them')}`]
      : []),
  ]
}

/** A StatefulSet's own status has no word of what its controller was refused. */
export const whereTold = (fleet: Name, whom: 'it' | 'them'): string => {
  const { namespace, name } = splitName(fleet)
  return (
    `what keeps ${whom}, as a quota or Pod Security, is in the Events of StatefulSet ${fleet}: ` +
    `kubectl -n ${namespace} describe statefulset ${name}`
  )
}

/** No other pod has its name before it is gone, and only its node or a person can say that it is. */
export function whyEnding({ namespace, name, waiting, goneBy }: RelayPod, { now }: Pick<FleetEvidence, 'now'>): string {
  const is = `it is being deleted${waiting === undefined ? '' : `, and ${waiting}`}`
  if (!lasts(goneBy, lateMs, now)) return is
  return (
    `${is}; it was to be gone by ${timeText(goneBy ?? now)}: see to its node and its metadata.finalizers, or if the node is ` +
    `gone for good, kubectl -n ${namespace} delete pod ${name} --force`
  )
}

/** Whether it has been so for long enough to be said. */
export const lasts = (since: number | undefined, ms: number, now: number): boolean =>
  since !== undefined && now - since >= ms

/** For people: enough of a hash to tell it from others, and a time to the second. */
export const short = (hash: string): string => hash.slice(0, 'sha256:'.length + 12)
export const timeText = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
