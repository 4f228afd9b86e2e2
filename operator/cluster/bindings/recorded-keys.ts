/** The keys that a credential's status records: with the verifiers its fleet works on, whoever the operator is now. Pure. */
import type { BindingKeys } from '../../compile/snapshot.ts'
import { unchanged } from '../../compile/unchanged.ts'

type Key = BindingKeys['keys'][number]

/** Anything else would be a verifier that nobody's password fits, or a configuration that no relay takes. */
const verifierForm = /^sha256:[0-9a-f]{64}$/
const idForm = /^[\x21-\x7e]{1,64}$/

type Recording = { readonly username?: unknown; readonly keys?: unknown }

const recorded = unchanged<Recording, BindingKeys | undefined>()

/** Undefined where there is no key in it: then nothing is known. The very same keys for the very same status. */
export const recordedKeys = (status: Recording): BindingKeys | undefined => recorded(status, [], () => keysIn(status))

function keysIn({ username, keys }: Recording): BindingKeys | undefined {
  if (typeof username !== 'string' || !Array.isArray(keys)) return undefined
  const wellFormed = keys.filter(isKey).map(({ id, verifier }) => ({ id, verifier }))
  return wellFormed.length === 0 ? undefined : { username, keys: wellFormed }
}

function isKey(value: unknown): value is Key {
  const { id, verifier } = (value ?? {}) as { readonly id?: unknown; readonly verifier?: unknown }
  return typeof id === 'string' && idForm.test(id) && typeof verifier === 'string' && verifierForm.test(verifier)
}
