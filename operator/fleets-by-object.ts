/** Which fleet an object belongs to: a policy to its own, a credential to the one whose configuration has it. Pure. */
import type { Compiled } from './compile/compiled.ts'
import { isOf, type Name, nameIn, type Ref } from './compile/snapshot.ts'

export function fleetsByObject({ fleets, statuses }: Pick<Compiled, 'fleets' | 'statuses'>): ReadonlyMap<Ref, Name> {
  const byCredential = new Map<Name, Name>()
  for (const [policy, { config }] of fleets) {
    for (const { name } of config?.credentials ?? []) byCredential.set(name as Name, policy)
  }
  const found = new Map<Ref, Name>()
  const note = (ref: Ref, fleet: Name | undefined): void => {
    if (fleet !== undefined) found.set(ref, fleet)
  }
  // Iterates the refs that exist already, instead of building ten thousand texts each time; only credentials without a status are
  // left.
  for (const ref of statuses.keys()) {
    if (isOf(ref, 'RelayPolicy')) note(ref, nameIn(ref))
    else if (isOf(ref, 'RelayCredential')) note(ref, taken(byCredential, nameIn(ref)))
  }
  for (const [name, fleet] of byCredential) note(`RelayCredential ${name}`, fleet)
  return found
}

function taken(from: Map<Name, Name>, name: Name): Name | undefined {
  const found = from.get(name)
  from.delete(name)
  return found
}
