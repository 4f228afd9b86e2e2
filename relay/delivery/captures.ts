/** Captured mail on its way to the inbox, some at a time; a fault of the inbox's disk is ours, so nothing ever bounces. */
import type { Events } from '../events.ts'
import type { Outcome } from '../mail/outcome.ts'
import { reply } from '../mail/reply.ts'
import { replyFor } from './answer.ts'
import type { ContentSource } from './content.ts'
import type { Retry } from './decide.ts'
import { capture } from './inbox.ts'
import type { Ledger } from './ledger.ts'
import { ReadyQueue } from './ready-queue.ts'
import type { Parcel } from './tracked.ts'

const atOnce = 16
const retry: Retry = { scheduleMs: [1000, 5000, 30_000, 60_000], expireAfterMs: Number.POSITIVE_INFINITY }
const captured: Outcome = { kind: 'delivered', reply: reply(250, '0.0', 'captured') }

type Parts = {
  readonly directory: string
  readonly source: ContentSource
  readonly ledger: Ledger
  readonly events: Pick<Events, 'captured' | 'unexpected'>
}

export class Captures {
  readonly #parts: Parts
  readonly #waiting = new ReadyQueue<Parcel>()
  readonly #running = new Set<Promise<void>>()
  #stopped = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get waiting(): number {
    return this.#waiting.size
  }

  get inFlight(): number {
    return this.#running.size
  }

  add(parcel: Parcel): void {
    this.#waiting.push(parcel.message.envelope.credential, parcel)
    this.#pump()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#running)
  }

  #pump(): void {
    while (!this.#stopped && this.#running.size < atOnce) {
      const parcel = this.#waiting.shift()
      if (parcel === undefined) return
      const run = this.#run(parcel).finally(() => {
        this.#running.delete(run)
        this.#pump()
      })
      this.#running.add(run)
    }
  }

  async #run({ message, recipients }: Parcel): Promise<void> {
    const outcome = await this.#capture(message)
    const results = recipients.map((recipient) => ({ recipient, outcome }))
    await this.#parts.ledger.settle(message, results, retry)
  }

  async #capture({ envelope }: Parcel['message']): Promise<Outcome> {
    const { directory, source, events } = this.#parts
    try {
      await capture(directory, source, envelope)
      events.captured(envelope.queueId)
      return captured
    } catch (error) {
      events.unexpected('inbox', error)
      const why = error instanceof Error ? error.message : String(error)
      return { kind: 'deferred', scope: 'message', reply: replyFor('unreadable', `inbox: ${why}`) }
    }
  }
}
