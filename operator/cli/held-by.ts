/** Explains to a person why a change has no effect yet: the fleet is held. Pure. */
import type { KubeObject } from '../cluster/api/object.ts'
import type { Condition } from '../compile/compiled.ts'

/** A held fleet can lose rights but gains none until its policy is mended. Undefined where the fleet is not held. */
export function heldBy(object: KubeObject, waits: string): string | undefined {
  const { conditions = [] } = (object['status'] ?? {}) as { readonly conditions?: readonly Condition[] }
  const held = conditions.find(({ type, reason }) => type === 'Programmed' && reason === 'Held')
  return (
    held && `its fleet is held, so ${waits} until that is mended: ${held.message}; relayfleet check tells what is wrong`
  )
}
