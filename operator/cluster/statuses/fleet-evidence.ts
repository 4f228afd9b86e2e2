/** All that is known of a fleet when it is judged, as plain values. */
import type { Name } from '../../compile/snapshot.ts'
import type { SpoolRecord } from '../../spools.ts'
import type { FleetWritten } from '../fleets/fleets.ts'
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

/** Whether it has been so for long enough to be said. */
export const lasts = (since: number | undefined, ms: number, now: number): boolean =>
  since !== undefined && now - since >= ms

/** For people: enough of a hash to tell it from others. */
export const short = (hash: string): string => hash.slice(0, 'sha256:'.length + 12)
