/** What a look at a binding Secret told: whose it is, and whether it is as it was made. Pure. */
import { isPassword } from '../../binding-secret.ts'
import { bindingType } from '../../compile/binding.ts'
import type { KubeObject } from '../api/object.ts'
import { holds } from '../write/holds.ts'
import type { Seen } from '../write/look.ts'
import { belongingOf, hashAnnotation, marked, type Owner } from '../write/ownership.ts'
import { bindingObject, type Owed, replacesAnnotation, textIn } from './binding-object.ts'

export type BindingState =
  | { readonly is: 'absent' }
  /** Not this credential's binding: nothing is done to it. */
  | { readonly is: 'foreign' }
  /** On its way out; then comes ours. */
  | { readonly is: 'leaving' }
  /** As it is owed. */
  | ({ readonly is: 'whole'; readonly password: string } & Found)
  /** As it was owed before. */
  | ({ readonly is: 'outdated'; readonly password: string } & Found)
  /** Somebody changed what was made; the password is absent where it is no password any more. */
  | ({ readonly is: 'damaged'; readonly password?: string } & Found)

type Found = {
  readonly object: KubeObject
  /** The key for the want of which it was made, where it was. */
  readonly replaces?: string | undefined
}

export function bindingStateOf(seen: Seen, owed: Owed): BindingState {
  if (seen.is !== 'there') return seen
  const { object } = seen
  // A Secret's type never changes: what is of another type was never a binding, whatever its labels say.
  const belonging = object['type'] === bindingType ? belongingOf(object, owed.owner) : 'foreign'
  if (belonging !== 'ours') return { is: belonging }
  const password = textIn(object, 'password')
  if (!isPassword(password)) return { is: 'damaged', object }
  const replaces = object.metadata.annotations?.[replacesAnnotation]
  const desired = marked(bindingObject(owed, password, replaces), owed.owner)
  if (holdsAll(object, desired, owed.owner)) return { is: 'whole', password, object, replaces }
  // The hash says what it was made as: where that is what is owed still, the difference is somebody's.
  const wasMadeSo = hashIn(object) === hashIn(desired)
  return { is: wasMadeSo ? 'damaged' : 'outdated', password, object, replaces }
}

const hashIn = ({ metadata }: KubeObject): string | undefined => metadata.annotations?.[hashAnnotation]

/** Others may own it too. */
function holdsAll(object: KubeObject, { metadata, ...rest }: KubeObject, { reference }: Owner): boolean {
  const { ownerReferences: _, ...marks } = metadata
  const owned = (object.metadata.ownerReferences ?? []).some((o) => holds(o, reference))
  return owned && holds(object, { ...rest, metadata: marks })
}
