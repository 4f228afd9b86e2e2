/** The keys that a credential's status records: with the verifiers its fleet works on, whoever the operator is now. Pure. */
import { packed } from '../../compile/packed.ts'
import type { BindingKeys } from '../../compile/snapshot.ts'
import { unchanged } from '../../compile/unchanged.ts'
import type { Key } from '../../lifecycle/keys.ts'

/** Anything else would be a verifier that nobody's password fits, or a configuration that no relay takes. */
const verifierForm = /^sha256:[0-9a-f]{64}$/
const idForm = /^[\x21-\x7e]{1,64}$/
const states = ['Pending', 'Active', 'Retiring'] as const

type Recording = { readonly username?: unknown; readonly keys?: unknown }

const recorded = unchanged<Recording, BindingKeys | undefined>()

/** Undefined where there is no key in it: then nothing is known. The very same keys for the very same status. */
export const recordedKeys = (status: Recording): BindingKeys | undefined => recorded(status, [], () => keysIn(status))

function keysIn({ username, keys }: Recording): BindingKeys | undefined {
  if (typeof username !== 'string' || !Array.isArray(keys)) return undefined
  const wellFormed = packed(keys.flatMap(keyIn))
  return wellFormed.length === 0 ? undefined : { username, keys: wellFormed }
}

/** What it says beside its verifier counts as far as it can be understood: a key is not lost over a date. */
function keyIn(value: unknown): readonly Key[] {
  const said = (value ?? {}) as Readonly<Record<string, unknown>>
  const { id, verifier, trigger } = said
  if (typeof id !== 'string' || !idForm.test(id)) return []
  if (typeof verifier !== 'string' || !verifierForm.test(verifier)) return []
  const state = states.find((s) => s === said['state'])
  return [
    {
      id,
      verifier,
      ...(state !== undefined && { state }),
      ...moment(said, 'createdAt'),
      ...moment(said, 'replacedAt'),
      ...moment(said, 'expiresAt'),
      ...(typeof trigger === 'string' && { trigger }),
    },
  ]
}

function moment<F extends string>(said: Readonly<Record<string, unknown>>, field: F): { readonly [K in F]?: string } {
  const value = said[field]
  const isMoment = typeof value === 'string' && !Number.isNaN(Date.parse(value))
  return (isMoment ? { [field]: value } : {}) as { readonly [K in F]?: string }
}
