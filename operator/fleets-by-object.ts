/** Which fleet's relays have to do with an object: a policy's own, and those whose configuration knows a credential. Pure. */
import type { Compiled } from './compile/compiled.ts'
import type { Name, Ref } from './compile/snapshot.ts'

export function fleetsByObject({ fleets, statuses }: Pick<Compiled, 'fleets' | 'statuses'>): ReadonlyMap<Ref, Name> {
  const policies = [...statuses.keys()].filter((ref) => ref.startsWith('RelayPolicy '))
  return new Map<Ref, Name>([
    ...policies.map((ref) => [ref, ref.slice('RelayPolicy '.length) as Name] as const),
    ...[...fleets].flatMap(([policy, { config }]) =>
      (config?.credentials ?? []).map(({ name }) => [`RelayCredential ${name}` as Ref, policy] as const),
    ),
  ])
}
