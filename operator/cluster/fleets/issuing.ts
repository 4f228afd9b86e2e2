/**
 * Certificates are made, and looked at, one after the other: to make one takes the processor for some milliseconds, and for five
 * hundred fleets at once nobody else had a turn for so long that the Lease ran out, and all of it began anew.
 */
import { issuedSecret } from './issued-secret.ts'

export class Issuing {
  #last: Promise<unknown> = Promise.resolve()

  secret(...asked: Parameters<typeof issuedSecret>): ReturnType<typeof issuedSecret> {
    const make = () => issuedSecret(...asked)
    const mine = this.#last.then(make, make)
    this.#last = mine
    return mine
  }
}
