/** Which records of which domains have been broken for longer than the owner's grace, as last seen: a fact for compile. Pure. */
import type { Domain, Name } from './compile/snapshot.ts'
import { nameOf } from './compile/snapshot.ts'
import { whenBrokenOf } from './compile/when-broken.ts'
import type { DomainRecords } from './lifecycle/domain-records.ts'
import { holdingBack } from './lifecycle/record-conditions.ts'

export function brokenRecords(
  domains: readonly Domain[],
  found: (name: Name) => DomainRecords | undefined,
  now: number,
): ReadonlyMap<Name, readonly string[]> {
  const all = domains.flatMap((domain): readonly (readonly [Name, readonly string[]])[] => {
    const name = nameOf(domain)
    const records = found(name)
    const holding = records === undefined ? [] : holdingBack(records, whenBrokenOf(domain.spec), now)
    return holding.length === 0 ? [] : [[name, holding]]
  })
  return new Map(all)
}
