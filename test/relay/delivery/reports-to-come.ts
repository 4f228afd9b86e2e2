/** Recipients that were told to have an end, until their DSN is in the spool: it is composed in the meantime, which takes many turns. */
import type { Attempt } from '../../../relay/events.ts'
import { wantsSuccess, wishFor } from '../../../relay/mail/report-wishes.ts'
import type { MemorySpool } from './memory-spool.ts'

export class ReportsToCome {
  /** The recipients of each message that were given up, whom the spool has as pending until then. */
  readonly #givenUp = new Map<string, Set<string>>()
  /** Those that were delivered, which the spool may know before their report is made. */
  readonly #delivered = new Set<string>()

  attempted({ queueId, forwardPath, outcome }: Attempt, { stored }: MemorySpool): void {
    const envelope = stored.get(queueId)?.envelope
    if (outcome.kind !== 'delivered' || envelope === undefined || envelope.reversePath === '') return
    if (wantsSuccess(wishFor(envelope, forwardPath))) this.#delivered.add(`${queueId} ${forwardPath}`)
  }

  toCome(queueId: string, forwardPath: string): void {
    this.#givenUp.set(queueId, (this.#givenUp.get(queueId) ?? new Set()).add(forwardPath))
  }

  made(queueId: string, dsn: string, { stored }: MemorySpool): void {
    for (const path of stored.get(dsn)?.envelope.reports?.forwardPaths ?? [])
      this.#delivered.delete(`${queueId} ${path}`)
  }

  /** The process that would have composed them is no more. */
  clear(): void {
    this.#givenUp.clear()
    this.#delivered.clear()
  }

  areLeft({ stored }: MemorySpool): boolean {
    for (const [queueId, paths] of this.#givenUp) {
      const recipients = stored.get(queueId)?.recipients ?? []
      if (recipients.some(({ forwardPath, state }) => state === 'pending' && paths.has(forwardPath))) return true
      this.#givenUp.delete(queueId)
    }
    return this.#delivered.size > 0
  }
}
