/** What there is to report on: what was compiled, and what follows from it once for all turns. */
import type { CredentialConfig, LimitsConfig } from '../../../relay/config.ts'
import type { Compiled, Finding } from '../../compile/compiled.ts'
import { expired } from '../../compile/expiry.ts'
import type { Name, Ref } from '../../compile/snapshot.ts'
import { compiledHash } from '../../compiled-hash.ts'
import { fleetsByObject } from '../../fleets-by-object.ts'
import { limitsIn } from '../../usage.ts'

export type Reported = {
  readonly compiled: Compiled
  /** The uid of each object that it was compiled from. */
  readonly uids: ReadonlyMap<Ref, string>
  /** Which fleet an object belongs to. */
  readonly fleetOf: ReadonlyMap<Ref, Name>
  /** What a fleet's relays should know of a credential. */
  readonly entryOf: (fleet: Name, credential: Name) => CredentialConfig | undefined
  /** Of the configuration that each fleet should have; absent for one that keeps what it has. */
  readonly hashes: ReadonlyMap<Name, string>
  /** Of the credentials that have any. */
  readonly limits: ReadonlyMap<Name, LimitsConfig>
  /** What to say of credentials whose time is over, and when there will be more of them. */
  readonly expiredAt: (now: number) => { readonly findings: ReadonlyMap<Ref, Finding>; readonly next: number }
}

export function reportedOf(compiled: Compiled, uids: ReadonlyMap<Ref, string>): Reported {
  const hashes = [...compiled.fleets].flatMap(([name, fleet]) => {
    const hash = compiledHash(fleet)
    return hash === undefined ? [] : [[name, hash] as const]
  })
  return {
    compiled,
    uids,
    fleetOf: fleetsByObject(compiled),
    entryOf: entries(compiled),
    hashes: new Map(hashes),
    limits: limitsIn(compiled),
    expiredAt: expiries(compiled),
  }
}

/** Put in order when they are asked for, which they seldom are. */
function entries({ fleets }: Compiled): Reported['entryOf'] {
  const byFleet = new Map<Name, ReadonlyMap<string, CredentialConfig>>()
  return (fleet, credential) => {
    const known = byFleet.get(fleet) ?? new Map(fleets.get(fleet)?.config?.credentials.map((c) => [c.name, c]))
    byFleet.set(fleet, known)
    return known.get(credential)
  }
}

/** Found anew only when another one's time is over. */
function expiries(compiled: Compiled): Reported['expiredAt'] {
  const ends = [...compiled.fleets.values()].flatMap(({ config }) => config?.credentials ?? [])
  const moments = ends.flatMap(({ expiresAt }) => expiresAt ?? []).toSorted((a, b) => a - b)
  let last: ReturnType<Reported['expiredAt']> | undefined
  return (now) => {
    if (last === undefined || now >= last.next) {
      last = { findings: expired(compiled, now), next: moments.find((m) => m > now) ?? Number.POSITIVE_INFINITY }
    }
    return last
  }
}
