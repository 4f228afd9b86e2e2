/** A fleet that is to run with these files, and with what the writing of files does not look at. */
import type { RunningFleet } from '../../../operator/local/fleet-files.ts'

export const runningFleet = ({ config, files }: Pick<RunningFleet, 'config' | 'files'>): RunningFleet => ({
  kind: 'run',
  config,
  replicas: 1,
  ports: [],
  availability: { maxUnavailable: 1, drainTimeoutMs: 1_800_000 },
  storage: '1Gi',
  files,
})
