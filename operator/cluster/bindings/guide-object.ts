/**
 * The ConfigMap for an application that logs in without a password of ours, and the conditions where it can not be written.
 * Pure.
 */
import { guideEntries } from '../../binding-secret.ts'
import type { Condition, Guide } from '../../compile/compiled.ts'
import type { KubeObject } from '../api/object.ts'
import type { Applied } from '../write/apply.ts'
import type { Owner } from '../write/ownership.ts'
import { withMend } from '../write/refused.ts'
import { unresolved } from './binding-news.ts'

export type OwedGuide = {
  readonly guide: Guide
  /** PEM: all that clients should trust; empty where no certificate is the operator's. */
  readonly authority: string
  readonly owner: Owner
}

export function guideObject({ guide, authority, owner }: OwedGuide): KubeObject {
  const entries = Object.entries(guideEntries(guide, authority))
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: guide.configMapName, namespace: owner.namespace },
    data: Object.fromEntries(entries.flatMap(([key, text]) => (text === undefined ? [] : [[key, text]]))),
  }
}

const nameOf = ({ guide, owner }: OwedGuide): string => `ConfigMap ${owner.namespace}/${guide.configMapName}`

/** The condition for how the write ended; undefined where the ConfigMap is as it is owed. */
export function guideTrouble(owed: OwedGuide, applied: Exclude<Applied, { kind: 'leaving' }>): Condition | undefined {
  switch (applied.kind) {
    case 'unchanged':
    case 'applied':
      return undefined
    case 'foreign':
      return unresolved(
        'ConfigMapNotOwned',
        `${nameOf(owed)} is there and is not this credential's; delete it, or make a credential of another name`,
      )
    case 'contested':
      return unresolved(
        'ConfigMapContested',
        `${nameOf(owed)}: ${applied.managers.join(', ')} applies ${applied.fields.join(', ')} too; have it leave the ConfigMap alone`,
      )
  }
}

export const guideRefused = (owed: OwedGuide, why: string): Condition =>
  unresolved('ConfigMapRefused', `${nameOf(owed)} can not be written: ${withMend(why)}`)
