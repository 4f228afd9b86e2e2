/** What people are told of binding Secrets: conditions for what stands in the way, Events for what was set right. Pure. */
import { apiVersion } from '../../../crds/kinds.ts'
import type { Condition } from '../../compile/compiled.ts'
import type { Occasion } from '../events/event-series.ts'
import type { Owed } from './binding-object.ts'

const secretOf = ({ owner, binding }: Owed): string => `Secret ${owner.namespace}/${binding.secretName}`

const unresolved = (reason: string, message: string): Condition => ({
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
    unresolved(
      'SecretRefused',
      `${secretOf(owed)} can not be written: ${why}; mend what is refused, it is tried again`,
    ),
} as const

/** `login`: whether the password is another one now. */
export const secretRepaired = (owed: Owed, login: 'kept' | 'new'): Occasion => ({
  regarding: {
    apiVersion,
    kind: 'RelayCredential',
    namespace: owed.owner.namespace,
    name: owed.owner.reference.name,
    uid: owed.owner.reference.uid,
  },
  type: 'Warning',
  reason: 'SecretRepaired',
  action: 'Apply',
  note:
    login === 'kept'
      ? `${secretOf(owed)} was changed by somebody else and has been set right; its password is still the same`
      : `${secretOf(owed)} was deleted or its password was changed by somebody else; applications have to read it anew`,
})
