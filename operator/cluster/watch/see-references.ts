/** Looks at all Secrets and ConfigMaps that policies name, and goes on while what was found leads to further ones. */
import type { Compiled } from '../../compile/compiled.ts'
import { referencesAsked } from '../../compile/policy.ts'
import type { Place } from '../../compile/snapshot.ts'
import type { DeclaredObject } from './declared.ts'
import type { Sightings } from './sightings.ts'

export async function seeReferences(
  declared: readonly DeclaredObject[],
  place: Place,
  sightings: Pick<Sightings, 'see' | 'secrets' | 'configMaps'>,
  signal: AbortSignal,
): Promise<void> {
  const policies = declared.flatMap((o) => (o.is === 'valid' && o.resource.kind === 'RelayPolicy' ? [o.resource] : []))
  const ask = (): Compiled['references'] =>
    referencesAsked(policies, { secrets: sightings.secrets(), configMaps: sightings.configMaps() }, place)
  let seen: Compiled['references']
  let asked = ask()
  do {
    seen = asked
    await sightings.see(seen, signal)
    asked = ask()
  } while (!signal.aborted && ![...asked].every((reference) => seen.has(reference)))
}
