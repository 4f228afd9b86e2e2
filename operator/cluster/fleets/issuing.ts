/**
 * Makes and checks certificates one after the other. One takes the processor for some milliseconds; when five hundred fleets
 * made theirs at once, nothing else ran for so long that the Lease ran out, and all of it began anew.
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
