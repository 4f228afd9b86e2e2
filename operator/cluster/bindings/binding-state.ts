/** What a look at a binding Secret tells: whose it is, and whether it is as it was made. Pure. */
import { isPassword } from '../../binding-secret.ts'
import { bindingType } from '../../compile/binding.ts'
import type { KubeObject } from '../api/object.ts'
import { textIn } from '../api/secret-data.ts'
import { holds } from '../write/holds.ts'
import type { Seen } from '../write/look.ts'
import { belongingOf, hashAnnotation, marked, type Owner } from '../write/ownership.ts'
import { bindingObject, type Owed, replacesAnnotation } from './binding-object.ts'

export type BindingState =
  | { readonly is: 'absent' }
  /** Not this credential's binding: nothing is done to it. */
  | { readonly is: 'foreign' }
  /** It is being deleted; ours comes after it. */
  | { readonly is: 'leaving' }
  /** It is as it is owed. */
  | ({ readonly is: 'whole'; readonly password: string } & Found)
  /** It is as it was owed before. */
  | ({ readonly is: 'outdated'; readonly password: string } & Found)
  /** Somebody has changed it; `password` is absent where what is there can not be one of ours. */
  | ({ readonly is: 'damaged'; readonly password?: string } & Found)

type Found = {
  readonly object: KubeObject
  /** The key that was missing when it was made (`replacesAnnotation`). */
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
  // The hash names what was applied last. Where that is what is owed now, somebody else has made the difference.
  const wasMadeSo = hashIn(object) === hashIn(desired)
  return { is: wasMadeSo ? 'damaged' : 'outdated', password, object, replaces }
}

const hashIn = ({ metadata }: KubeObject): string | undefined => metadata.annotations?.[hashAnnotation]

/** Whether it has all that is desired. Its owner references are a list to which others may add theirs. */
function holdsAll(object: KubeObject, { metadata, ...rest }: KubeObject, { reference }: Owner): boolean {
  const { ownerReferences: _, ...marks } = metadata
  const owned = (object.metadata.ownerReferences ?? []).some((o) => holds(o, reference))
  return owned && holds(object, { ...rest, metadata: marks })
}
