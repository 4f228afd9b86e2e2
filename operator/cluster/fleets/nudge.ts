/**
 * Changes an annotation of pods, which makes their kubelets look for changed Secrets now; by itself that takes up to a
 * minute.
 */
import { type Name, splitName } from '../../compile/snapshot.ts'
import { resources } from '../api/resource.ts'
import type { Writing } from '../write/apply.ts'

const nudgedAnnotation = 'relayfleet.dev/nudged'

/**
 * All at once. Never rejects, since a pod that could not be nudged gets its files later all the same. `time` is in
 * milliseconds since the epoch.
 */
export async function nudgePods(
  fleet: Name,
  pods: readonly { readonly name: string; readonly uid?: string }[],
  time: number,
  { api, mayWrite, signal }: Writing,
): Promise<void> {
  const { namespace } = splitName(fleet)
  const annotations = { [nudgedAnnotation]: new Date(time).toISOString() }
  const nudge = async ({ name, uid }: (typeof pods)[number]): Promise<void> => {
    if (!mayWrite()) return
    const metadata = { ...(uid !== undefined && { uid }), annotations }
    await api.merge(resources.pods, { namespace, name }, { metadata }, { signal }).catch(() => undefined)
  }
  await Promise.all(pods.map(nudge))
}
