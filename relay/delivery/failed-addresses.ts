/**
 * Addresses of one host that connected and then failed, the last one last: they come behind the others, so that each has its
 * turn (RFC 5321 section 5.1). Those that do not connect at all are not noted: each costs a quarter of a second (race.ts).
 */
import type { LookupAddress } from 'node:dns'
import { Latest } from '../latest.ts'
import type { Lookup } from './addresses.ts'
import { familiesInTurn } from './families.ts'

/** The one that failed longest ago is forgotten first, where a host's addresses change all the time. */
const most = 16

export class FailedAddresses {
  readonly #failed = new Latest<true>(most)

  failed(address: string): void {
    this.#failed.set(address, true)
  }

  worked(address: string): void {
    this.#failed.delete(address)
  }

  /** The same look-up, with the addresses in the order in which they are tried: families in turn, and then those that failed. */
  behind(lookup: Lookup): Lookup {
    return (host, answered) =>
      lookup(host, (error, found) => answered(error, error === null ? this.#inOrder(found) : found))
  }

  #inOrder(addresses: LookupAddress[]): LookupAddress[] {
    const failed = [...this.#failed.names()]
    return familiesInTurn(addresses).toSorted((a, b) => failed.indexOf(a.address) - failed.indexOf(b.address))
  }
}
