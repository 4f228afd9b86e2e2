/** A status as it is in the cluster, with the fields that each of our statuses has. Pure. */
import type { StampedStatus } from '../../observed-status.ts'

/** The API server has validated the conditions by our schema; an object without a status has none. */
export function standingStatus(status: Readonly<Record<string, unknown>> = {}): StampedStatus {
  const { conditions, observedGeneration } = status
  return {
    ...status,
    observedGeneration: typeof observedGeneration === 'number' ? observedGeneration : 0,
    conditions: Array.isArray(conditions) ? (conditions as StampedStatus['conditions']) : [],
  }
}
