/** Finds credentials past spec.expiresAt. Compile reads no clock, so the code that writes statuses asks here, with the time. */
import type { Compiled, Finding } from './compiled.ts'
import { findings } from './findings.ts'
import type { Ref } from './snapshot.ts'

/** The finding for every credential that its relays refuse at `now` (milliseconds) because of spec.expiresAt. */
export function expired({ fleets }: Pick<Compiled, 'fleets'>, now: number): ReadonlyMap<Ref, Finding> {
  const entries = [...fleets.values()].flatMap(({ config }) => config?.credentials ?? [])
  return new Map(
    entries.flatMap(({ name, expiresAt }) =>
      expiresAt === undefined || now < expiresAt
        ? []
        : [[`RelayCredential ${name}` as Ref, findings.expired(new Date(expiresAt).toISOString())('spec.expiresAt')]],
    ),
  )
}
