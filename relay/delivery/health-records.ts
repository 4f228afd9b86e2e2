/** The health of next hops: one record for each, shared by all who go there; of exchangers by their names, and not without end. */
import { Latest } from '../latest.ts'
import { FailedAddresses } from './failed-addresses.ts'
import { type Health, unproven } from './health.ts'
import type { Opened } from './open.ts'

export type HealthRecord = {
  health: Health
  readonly addresses: FailedAddresses
  /** Until then commands are said one after the other, on the clock of `performance`. */
  lockstepUntil: number
  /** The connection that opens before all others, to see whether the login is good. */
  first?: Promise<Opened> | undefined
}

export const newRecord = (): HealthRecord => ({
  health: unproven,
  addresses: new FailedAddresses(),
  lockstepUntil: Number.NEGATIVE_INFINITY,
})

/** The one that was asked for longest ago is forgotten first. */
const most = 4096

export class HealthRecords {
  readonly #records = new Latest<HealthRecord>(most)

  of(host: string): HealthRecord {
    const record = this.#records.get(host) ?? newRecord()
    this.#records.set(host, record)
    return record
  }
}
