/** How many DKIM keys there are in each stage, by the statuses of the domains. Pure. */
import { isOf } from '../compile/snapshot.ts'
import { type DkimStage, dkimStages } from '../lifecycle/dkim-key.ts'
import { recordedDkimKeys } from '../lifecycle/recorded-dkim-keys.ts'
import type { DeclaredObject } from './watch/declared.ts'

export type KeyCounts = Readonly<Record<DkimStage, number>>

export function keyCounts(declared: readonly DeclaredObject[]): KeyCounts {
  const counts = Object.fromEntries(dkimStages.map((stage) => [stage, 0])) as Record<DkimStage, number>
  for (const { ref, status } of declared) {
    if (!isOf(ref, 'SenderDomain')) continue
    for (const { stage } of recordedDkimKeys(status)) counts[stage] += 1
  }
  return counts
}
