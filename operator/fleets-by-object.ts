/** Which fleet's relays have to do with an object: a policy's own, and those whose configuration knows a credential. Pure. */
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
  // By the refs that are there already: ten thousand texts are not made anew each time.
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
