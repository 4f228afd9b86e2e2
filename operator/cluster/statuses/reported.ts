/** What there is to report on: what was compiled, and what follows from that, derived once for all turns. */
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
  /** The entry of a credential in the configuration of a fleet. */
  readonly entryOf: (fleet: Name, credential: Name) => CredentialConfig | undefined
  /** By fleet, the hash of the configuration that it should have; a fleet that keeps what it has is absent. */
  readonly hashes: ReadonlyMap<Name, string>
  /** The limits of the credentials that have some. */
  readonly limits: ReadonlyMap<Name, LimitsConfig>
  /** Findings for credentials that have expired by `now`, and when the next one expires; milliseconds since the epoch. */
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

/** Indexed by name only when the first is asked for, which is seldom. */
function entries({ fleets }: Compiled): Reported['entryOf'] {
  const byFleet = new Map<Name, ReadonlyMap<string, CredentialConfig>>()
  return (fleet, credential) => {
    const known = byFleet.get(fleet) ?? new Map(fleets.get(fleet)?.config?.credentials.map((c) => [c.name, c]))
    byFleet.set(fleet, known)
    return known.get(credential)
  }
}

/** Found anew only when another credential has expired. */
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
