/**
 * The status of an object whose namespace is being deleted: nothing is made for it any more, and its conditions no longer
 * hold.
 */
import { namespaceIn } from '../../compile/snapshot.ts'
import { mergeConditions } from '../../conditions.ts'
import { toTheSecond } from '../../lifecycle/to-the-second.ts'
import type { DeclaredObject } from '../watch/declared.ts'
import { standingStatus } from '../watch/standing-status.ts'
import type { StatusJob } from './status-writer.ts'

const reason = 'NamespaceDeleted'

/** Undefined where its status says so already, which is final: a namespace that is being deleted never comes back. */
export function goingStatus(declared: DeclaredObject, now: number): StatusJob | undefined {
  const { ref, uid, status } = declared
  const { conditions } = standingStatus(status)
  if (conditions.some((c) => c.reason === reason)) return undefined
  const { generation } = declared.is === 'valid' ? declared.resource : declared.invalid
  const message =
    `namespace ${namespaceIn(ref)} is being deleted: Kubernetes removes its pods, Secrets and volumes, whatever they hold, and ` +
    'nothing is made there any more; where that does not end, the conditions of the Namespace say what is left'
  const found = [{ type: 'Accepted', status: 'False', reason, message }] as const
  return {
    ref,
    uid,
    status: {
      observedGeneration: generation,
      conditions: mergeConditions(conditions, found, generation, toTheSecond(now)),
    },
  }
}
