/** What the contents of all sessions hold in memory before it goes to the spool: while that is much, each may hold less (case R15). */
import { heldAmongMany, heldByAll, heldBytes } from './limits.ts'

export class Held {
  #bytes = 0

  /** Of one content: so many octets where there were `before`. */
  change(before: number, bytes: number): void {
    this.#bytes += bytes - before
  }

  get isMuch(): boolean {
    return this.#bytes > heldByAll
  }

  /** From so many octets on a content goes to the spool. */
  get most(): number {
    return this.isMuch ? heldAmongMany : heldBytes
  }
}
