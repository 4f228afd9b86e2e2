/** What a person is told whose change waits, because the fleet is held. Pure. */
import type { KubeObject } from '../cluster/api/object.ts'
import type { Condition } from '../compile/compiled.ts'

/** A held fleet loses rights and gains none, so what would give one waits for the mend; undefined where nothing waits. */
export function heldBy(object: KubeObject, waits: string): string | undefined {
  const { conditions = [] } = (object['status'] ?? {}) as { readonly conditions?: readonly Condition[] }
  const held = conditions.find(({ type, reason }) => type === 'Programmed' && reason === 'Held')
  return (
    held && `its fleet is held, so ${waits} until that is mended: ${held.message}; relayfleet check tells what is wrong`
  )
}
