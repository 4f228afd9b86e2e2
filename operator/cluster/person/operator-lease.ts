/** Whether an operator is at work, by the Lease that it renews every few seconds. */
import { type Api, fieldManager } from '../api/api.ts'
import { isForbidden } from '../api/api-error.ts'
import { type KubeObject, keyOf } from '../api/object.ts'
import { resources } from '../api/resource.ts'
import { wholeList } from '../api/whole-list.ts'
import { holderOf } from '../lead/lease-record.ts'
import { pageSize } from './survey.ts'

export type OperatorLease = {
  /** `namespace/name` */
  readonly name: string
  /** Empty where nobody holds it. */
  readonly holder: string
  /** Milliseconds since the epoch, by the clock of the holder. */
  readonly renewedAt: number
}

/** Every Lease that an operator of ours has written; undefined where this user may not list Leases. @throws ApiError */
export async function operatorLeases(api: Api, signal: AbortSignal): Promise<readonly OperatorLease[] | undefined> {
  try {
    const { items } = await wholeList(api, resources.leases, {}, { limit: pageSize, signal })
    return items.filter(isOurs).map(leaseOf)
  } catch (error) {
    if (isForbidden(error)) return undefined
    throw error
  }
}

/** Whatever the Lease is called: only an operator of ours writes one under our field manager. */
const isOurs = ({ metadata }: KubeObject): boolean =>
  (metadata.managedFields ?? []).some(({ manager }) => manager === fieldManager)

function leaseOf(lease: KubeObject): OperatorLease {
  const { renewTime } = lease['spec'] as { readonly renewTime?: string }
  return { name: keyOf(lease.metadata), holder: holderOf(lease), renewedAt: Date.parse(renewTime ?? '') || 0 }
}
