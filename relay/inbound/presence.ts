/** How many sessions are open, over all and for each client, which is an IPv4 address or an IPv6 /64 (`originOf`). */

export class Presence {
  readonly #perClient = new Map<string, number>()
  #all = 0

  enter(client: string): void {
    this.#all++
    this.#perClient.set(client, this.of(client) + 1)
  }

  leave(client: string): void {
    this.#all--
    const left = this.of(client) - 1
    if (left > 0) this.#perClient.set(client, left)
    else this.#perClient.delete(client)
  }

  of(client: string): number {
    return this.#perClient.get(client) ?? 0
  }

  get all(): number {
    return this.#all
  }
}
