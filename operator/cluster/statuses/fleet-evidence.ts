/** All that is known of a fleet when it is judged, as plain values. */
import type { Name } from '../../compile/snapshot.ts'
import type { SpoolRecord } from '../../spools.ts'
import type { FleetWritten } from '../fleets/fleets.ts'
import type { AskedPod } from './inquiry.ts'

/** After this time, people should know that a relay lags, or that a pod does not end. */
export const lateMs = 30_000

export type FleetEvidence = {
  readonly fleet: Name
  /** The hash of the configuration that was compiled; for a fleet that is held, of the one that it has. */
  readonly wanted: string | undefined
  readonly written: FleetWritten
  /** Absent for a fleet that is held: it stays as it is. */
  readonly replicas: number | undefined
  /** Its policy is being deleted. */
  readonly leaving: boolean
  /** How many relays there are for now: more than `replicas` while some are to leave. */
  readonly standing: number
  readonly maxUnavailable: number
  readonly drainTimeoutMs: number
  readonly suspended: boolean
  readonly maxAgeMs: number
  readonly pods: readonly AskedPod[]
  /** Whether the pods have been listed; if not, there may be others than `pods`. */
  readonly knowsPods: boolean
  /** The spool that each relay had, and the one that it has instead. */
  readonly spools: readonly SpoolRecord[]
  /** By pod, since when its relay has been down with mail that it had accepted; milliseconds since the epoch. */
  readonly away: ReadonlyMap<string, number>
  /** Since when no pod is ready; milliseconds since the epoch. */
  readonly noneReadySince: number | undefined
  readonly now: number
}

/** The pods that are not being deleted, sorted by name; also those that only deliver what they have. */
export const present = ({ pods }: Pick<FleetEvidence, 'pods'>): readonly AskedPod[] =>
  pods.filter(({ pod }) => !pod.leaving).toSorted((a, b) => (a.pod.name < b.pod.name ? -1 : 1))

/** Those of them that are to stay in the fleet. */
export const staying = (evidence: Pick<FleetEvidence, 'pods'>): readonly AskedPod[] =>
  present(evidence).filter(({ pod }) => pod.drainSince === undefined)

/** Those of them that take mail: only these count for a verdict. */
export const serving = (evidence: Pick<FleetEvidence, 'pods'>): readonly AskedPod[] =>
  staying(evidence).filter(({ pod }) => pod.ready)

/** Whether it has been so for long enough to be said. */
export const lasts = (since: number | undefined, ms: number, now: number): boolean =>
  since !== undefined && now - since >= ms

/** For people: enough of a hash to tell it from others. */
export const short = (hash: string): string => hash.slice(0, 'sha256:'.length + 12)
