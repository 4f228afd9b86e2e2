/** The evidence of a fleet in which everything is in order, and of pods and reports that differ from that. */
import type { FleetEvidence } from '../../../../operator/cluster/statuses/fleet-evidence.ts'
import type { AskedPod } from '../../../../operator/cluster/statuses/inquiry.ts'
import type { RelayReport } from '../../../../operator/cluster/statuses/relay-report.ts'
import type { RelayPod } from '../../../../operator/cluster/watch/relay-pod.ts'

export const now = Date.parse('2026-11-24T03:00:00Z')
export const newest = `sha256:${'a'.repeat(64)}`
export const older = `sha256:${'b'.repeat(64)}`
export const day = 24 * 3_600_000

export const report = (more: Partial<RelayReport> = {}): RelayReport => ({
  policy: 'mail/shared',
  hash: newest,
  stale: [],
  ready: true,
  notReady: [],
  certificates: [],
  smarthosts: [],
  leaving: 0,
  queue: { ready: 0, deferred: 0, inFlight: 0, oldestSeconds: 0 },
  ...more,
})

export const pod = (index: number, more: Partial<RelayPod> = {}): RelayPod => ({
  namespace: 'mail',
  name: `shared-${index}`,
  uid: `0000-000${index}`,
  ip: `10.0.0.${index}`,
  httpPort: 9465,
  ready: true,
  leaving: false,
  takesMail: more.drainSince === undefined,
  ...more,
})

export const good = (index: number, more: Partial<RelayReport> = {}): AskedPod => ({
  pod: pod(index),
  report: report(more),
})
export const lagging = (index: number, ms: number, more: Partial<RelayReport> = {}): AskedPod => ({
  pod: pod(index),
  report: report({ hash: older, ...more }),
  lagsSince: now - ms,
})
export const silent = (index: number, ms: number): AskedPod => ({ pod: pod(index), lagsSince: now - ms })
export const starting = (index: number, more: Partial<RelayPod> = {}): AskedPod => ({
  pod: pod(index, { ready: false, ...more }),
})

export const evidence = (more: Partial<FleetEvidence> = {}): FleetEvidence => ({
  fleet: 'mail/shared',
  wanted: newest,
  written: { hash: newest },
  replicas: 2,
  knowsPods: true,
  leaving: false,
  standing: 2,
  maxUnavailable: 1,
  drainTimeoutMs: 1_800_000,
  suspended: false,
  maxAgeMs: 600_000,
  pods: [good(0), good(1)],
  spools: [],
  away: new Map(),
  noneReadySince: undefined,
  now,
  ...more,
})
