/** From which addresses, or networks of IPv6, somebody logged in lately: who comes from there again waits in no line with strangers. */

/** Beyond this many, the one that was last seen longest ago is forgotten. */
const remembered = 10_000

export class Acquaintances {
  readonly #clients = new Set<string>()

  loggedIn(client: string): void {
    this.#clients.delete(client)
    this.#clients.add(client)
    if (this.#clients.size > remembered) this.#forgetOldest()
  }

  lockedOut(client: string): void {
    this.#clients.delete(client)
  }

  has(client: string): boolean {
    return this.#clients.has(client)
  }

  #forgetOldest(): void {
    for (const client of this.#clients) {
      this.#clients.delete(client)
      return
    }
  }
}
