/** Connections to one smarthost or exchanger that carry nothing: they are used again, or closed when nobody does for long. */
import type { Client } from './client.ts'

export class IdleConnections {
  readonly #idleMs: number
  /** The last used one last. */
  #kept: { readonly client: Client; readonly since: number }[] = []
  #sweep: NodeJS.Timeout | undefined

  constructor(idleMs: number) {
    this.#idleMs = idleMs
  }

  get size(): number {
    return this.#kept.length
  }

  /** The one that was used last, so that those that are not needed grow old. */
  take(): Client | undefined {
    return this.#kept.pop()?.client
  }

  keep(client: Client): void {
    client.hasIdled = true
    this.#kept.push({ client, since: performance.now() })
    if (this.#sweep === undefined) this.#sweepLater(this.#idleMs)
  }

  /** It broke, or was closed by the other side. */
  forget(client: Client): void {
    this.#kept = this.#kept.filter((kept) => kept.client !== client)
  }

  closeAll(): void {
    clearTimeout(this.#sweep)
    this.#sweep = undefined
    for (const { client } of this.#kept.splice(0)) client.quit()
  }

  #sweepLater(ms: number): void {
    this.#sweep = setTimeout(() => this.#closeOld(), ms).unref()
  }

  #closeOld(): void {
    this.#sweep = undefined
    const before = performance.now() - this.#idleMs
    for (const { client, since } of [...this.#kept]) if (since <= before) client.quit()
    if (this.#kept.length > 0) this.#sweepLater(this.#idleMs / 2)
  }
}
