/** The observed state of a relay that has nothing to do. */
import type { Observed } from '../../relay/metrics.ts'

export const atRest: Observed = {
  ready: true,
  configOk: true,
  sessions: 0,
  held: 0,
  queue: { ready: 0, deferred: 0, inFlight: 0 },
  oldestMessageAge: 0,
  spoolBytes: 0,
  spoolFreeBytes: 9e9,
  spoolRoomBytes: 6e9,
  spoolCapacityBytes: 6.6e9,
}
