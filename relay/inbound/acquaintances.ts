/** From which addresses, or networks of IPv6, somebody logged in lately: who comes from there again waits in no line with strangers. */
import { Latest } from '../latest.ts'

/** Beyond this many, the one that was last seen longest ago is forgotten. */
const remembered = 10_000

export class Acquaintances {
  readonly #clients = new Latest<true>(remembered)

  loggedIn(client: string): void {
    this.#clients.set(client, true)
  }

  lockedOut(client: string): void {
    this.#clients.delete(client)
  }

  has(client: string): boolean {
    return this.#clients.get(client) ?? false
  }
}
