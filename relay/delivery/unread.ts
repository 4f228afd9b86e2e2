/** Mail that the spool can not read now, and that waits: each message is told once, until it was read or the reason is another one. */
import type { Events } from '../events.ts'
import { Latest } from '../latest.ts'
import { type Spool, SpoolError } from '../spool/spool.ts'

type Parts = {
  readonly spool: Pick<Spool, 'has' | 'fault' | 'isFull'>
  readonly events: Pick<Events, 'unreadable' | 'unexpected'>
}

export class Unread {
  readonly #parts: Parts
  /** For errors that are not the spool's. */
  readonly #where: string
  /** By queue id. Some of what has left, or was set aside, is forgotten only because more follow. */
  readonly #told = new Latest<string>(1000)

  constructor(parts: Parts, where: string) {
    this.#parts = parts
    this.#where = where
  }

  /** `queueId`: undefined where the message is not ours any more. */
  failed(queueId: string | undefined, error: unknown): void {
    const { spool, events } = this.#parts
    if (!(error instanceof SpoolError)) {
      events.unexpected(this.#where, error)
      return
    }
    // What was set aside is told by that, and a disk that fails as a whole is told as such.
    if (queueId === undefined || !spool.has(queueId) || (spool.fault !== undefined && !spool.isFull)) return
    if (this.#told.get(queueId) === error.message) return
    this.#told.set(queueId, error.message)
    events.unreadable(queueId, error.message)
  }

  read(queueId: string): void {
    this.#told.delete(queueId)
  }
}
