/** From which addresses, or networks of IPv6, somebody logged in lately: who comes from there again waits in no line with strangers. */
import { Latest } from '../latest.ts'

/** Beyond this many, the one that was last seen longest ago is forgotten. */
const remembered = 10_000

export class Acquaintances {
  readonly #clients = new Latest(remembered)

  loggedIn(client: string): void {
    this.#clients.add(client)
  }

  lockedOut(client: string): void {
    this.#clients.delete(client)
  }

  has(client: string): boolean {
    return this.#clients.has(client)
  }
}
