/** What people are told of binding Secrets: conditions for what stands in the way, Events for what was set right. Pure. */
import { apiVersion } from '../../../crds/kinds.ts'
import type { Condition } from '../../compile/compiled.ts'
import { type Key, type KeyUse, timeOf } from '../../lifecycle/keys.ts'
import type { Retired } from '../../lifecycle/rotate.ts'
import type { Occasion } from '../events/event-series.ts'
import { withMend } from '../write/refused.ts'
import type { Owed } from './binding-object.ts'

const secretOf = ({ owner, binding }: Owed): string => `Secret ${owner.namespace}/${binding.secretName}`

export const unresolved = (reason: string, message: string): Condition => ({
  type: 'ResolvedRefs',
  status: 'False',
  reason,
  message,
})

export const bindingTroubles = {
  notOwned: (owed: Owed) =>
    unresolved(
      'SecretNotOwned',
      `${secretOf(owed)} is there and is not this credential's; delete it, or set spec.secretTemplate.name to another name`,
    ),
  contested: (owed: Owed, managers: readonly string[], fields: readonly string[]) =>
    unresolved(
      'SecretContested',
      `${secretOf(owed)}: ${managers.join(', ')} applies ${fields.join(', ')} too; have it leave the Secret alone, or set ` +
        'spec.secretTemplate.name to another name',
    ),
  leaving: (owed: Owed) =>
    unresolved(
      'SecretLeaving',
      `${secretOf(owed)} is still being deleted, and is made anew afterwards; see whether its metadata.finalizers hold it back`,
    ),
  refused: (owed: Owed, why: string) =>
    unresolved('SecretRefused', `${secretOf(owed)} can not be written: ${withMend(why)}`),
} as const

const regarding = ({ owner }: Owed): Occasion['regarding'] => ({
  apiVersion,
  kind: 'RelayCredential',
  namespace: owner.namespace,
  name: owner.reference.name,
  uid: owner.reference.uid,
})

/** `login`: whether the password is another one now. */
export const secretRepaired = (owed: Owed, login: 'kept' | 'new'): Occasion => ({
  regarding: regarding(owed),
  type: 'Warning',
  reason: 'SecretRepaired',
  action: 'Apply',
  note:
    login === 'kept'
      ? `${secretOf(owed)} was changed by somebody else and has been set right; its password is still the same`
      : `${secretOf(owed)} was deleted or its password was changed by somebody else; applications have to read it anew, ` +
        'and the password before is accepted for the overlap of spec.rotation',
})

export const keyHandedOut = (owed: Owed, { id }: Key): Occasion => ({
  regarding: regarding(owed),
  type: 'Normal',
  reason: 'KeyRotated',
  action: 'Rotate',
  note: `${secretOf(owed)} holds key ${id} now, which every ready relay accepts; applications have to read it anew`,
})

const endings = {
  unused: 'nobody has used it for the overlap of spec.rotation',
  expired: 'its expiresAt has come',
  atOnce: 'the overlap of spec.rotation is 0s',
  forced: 'spec.rotation.trigger was changed again while it was still accepted',
  crowded: 'there are too many newer ones',
} as const satisfies Record<Retired['why'], string>

/** A warning only where somebody was still using the key. */
export function keyRetired(owed: Owed, { key, why }: Retired, use: KeyUse | undefined): Occasion {
  const isInUse = use !== undefined && use.at > (timeOf(key.replacedAt) ?? 0)
  const by = isInUse ? `; it was last used from ${use.network}, and that client is refused now` : ''
  return {
    regarding: regarding(owed),
    type: isInUse && why !== 'unused' ? 'Warning' : 'Normal',
    reason: isInUse && why !== 'unused' ? 'KeyRetiredInUse' : 'KeyRetired',
    action: 'Rotate',
    note: `key ${key.id} is accepted no longer: ${endings[why]}${why === 'unused' ? '' : by}`,
  }
}
