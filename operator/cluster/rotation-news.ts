/** How many RelayCredentials have a rotation that is not over, by the reason of their condition; for the metric. Pure. */
import { isOf } from '../compile/snapshot.ts'
import { type RotationPending, rotationReasons } from '../lifecycle/rotation-pending.ts'
import type { DeclaredObject } from './watch/declared.ts'
import { standingStatus } from './watch/standing-status.ts'

export type RotationCounts = Readonly<Record<RotationPending['reason'], number>>

export function rotationCounts(declared: readonly Pick<DeclaredObject, 'ref' | 'status'>[]): RotationCounts {
  const counts = Object.fromEntries(rotationReasons.map((reason) => [reason, 0])) as Record<string, number>
  for (const { ref, status } of declared) {
    if (!isOf(ref, 'RelayCredential')) continue
    const reason = standingStatus(status).conditions.find(({ type }) => type === 'RotationPending')?.reason ?? ''
    if (Object.hasOwn(counts, reason)) counts[reason] = (counts[reason] ?? 0) + 1
  }
  return counts as RotationCounts
}
