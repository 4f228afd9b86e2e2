/** The clients (IPv4 addresses, IPv6 /64s) from which somebody logged in lately: they do not share their turns with strangers. */
import { Latest } from '../latest.ts'

/** Beyond this many, the one whose last login is longest ago is forgotten. */
const remembered = 10_000

export class Acquaintances {
  readonly #clients = new Latest<true>(remembered)
  /** From there came a session that held everybody up by TLS alone: whoever logs in from there, the others there stay strangers. */
  readonly #suspects = new Latest<true>(remembered)

  loggedIn(client: string): void {
    if (!this.#suspects.get(client)) this.#clients.set(client, true)
  }

  suspect(client: string): void {
    this.#suspects.set(client, true)
    this.#clients.delete(client)
  }

  lockedOut(client: string): void {
    this.#clients.delete(client)
  }

  has(client: string): boolean {
    return this.#clients.get(client) ?? false
  }
}
