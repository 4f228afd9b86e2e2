/** The clients (IPv4 addresses, IPv6 /64s) from which somebody logged in lately: they do not share their turns with strangers. */
import { Latest } from '../latest.ts'

/** Beyond this many, the one whose last login is longest ago is forgotten. */
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
