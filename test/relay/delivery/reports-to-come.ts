/** Recipients that were told to be given up, until the spool says so, too: their DSN is composed in the meantime, which takes many turns. */
import type { MemorySpool } from './memory-spool.ts'

export class ReportsToCome {
  /** The recipients of each message. */
  readonly #givenUp = new Map<string, Set<string>>()

  bounced(queueId: string, forwardPath: string): void {
    this.#givenUp.set(queueId, (this.#givenUp.get(queueId) ?? new Set()).add(forwardPath))
  }

  /** The process that would have composed them is no more. */
  clear(): void {
    this.#givenUp.clear()
  }

  areLeft({ stored }: MemorySpool): boolean {
    for (const [queueId, paths] of this.#givenUp) {
      const recipients = stored.get(queueId)?.recipients ?? []
      if (recipients.some(({ forwardPath, state }) => state === 'pending' && paths.has(forwardPath))) return true
      this.#givenUp.delete(queueId)
    }
    return false
  }
}
