/**
 * The keys that a credential's status records. Its fleet works with their verifiers, so an operator that takes over begins
 * with them. Pure.
 */
import { packed } from '../../compile/packed.ts'
import type { BindingKeys } from '../../compile/snapshot.ts'
import { unchanged } from '../../compile/unchanged.ts'
import type { Key } from '../../lifecycle/keys.ts'

/** What has another form would be a verifier that no password matches, or a configuration that relays refuse. */
const verifierForm = /^sha256:[0-9a-f]{64}$/
const idForm = /^[\x21-\x7e]{1,64}$/
const states = ['Pending', 'Active', 'Retiring'] as const

type Recording = { readonly username?: unknown; readonly keys?: unknown }

const recorded = unchanged<Recording, BindingKeys | undefined>()

/** The keys in a status, the same object for the same status; undefined where it has none: then nothing is known. */
export const recordedKeys = (status: Recording): BindingKeys | undefined => recorded(status, [], () => keysIn(status))

function keysIn({ username, keys }: Recording): BindingKeys | undefined {
  if (typeof username !== 'string' || !Array.isArray(keys)) return undefined
  const wellFormed = packed(keys.flatMap(keyIn))
  return wellFormed.length === 0 ? undefined : { username, keys: wellFormed }
}

/** The other fields are left out where they are not well-formed: a key is not lost over a date. */
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
