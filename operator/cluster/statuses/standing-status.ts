/** A status as it stands in the cluster, with the parts that every status of ours has. Pure. */
import type { StampedStatus } from '../../observed-status.ts'

/** The schema has judged its conditions; where there is none yet, there are none. */
export function standingStatus(status: Readonly<Record<string, unknown>> = {}): StampedStatus {
  const { conditions, observedGeneration } = status
  return {
    ...status,
    observedGeneration: typeof observedGeneration === 'number' ? observedGeneration : 0,
    conditions: Array.isArray(conditions) ? (conditions as StampedStatus['conditions']) : [],
  }
}
