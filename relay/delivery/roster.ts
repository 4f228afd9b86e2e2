/** The messages in memory: those with something under way. All others are in the spool, and are read when their turn comes. */
import type { QueuedMessage, RecipientState } from '../mail/envelope.ts'
import type { Spool } from '../spool/spool.ts'
import { isIdle, type Tracked, track } from './tracked.ts'

/** As `Roster.take`, but it never throws: a message that cannot be read now is read again later. */
export type Take = (handle: number, act: (message: Tracked) => unknown) => Promise<void>

export class Roster {
  readonly #spool: Pick<Spool, 'load' | 'outline'>
  readonly #believed: (state: RecipientState) => RecipientState
  readonly #byId = new Map<string, Tracked>()
  readonly #coming = new Map<number, Promise<Tracked | undefined>>()

  /** `believed`: what the spool says of a recipient, as far as it can be true. */
  constructor(
    spool: Pick<Spool, 'load' | 'outline'>,
    believed: (state: RecipientState) => RecipientState = (state) => state,
  ) {
    this.#spool = spool
    this.#believed = believed
  }

  has(queueId: string): boolean {
    return this.#byId.has(queueId)
  }

  enter(queued: QueuedMessage): Tracked {
    const message = track(queued.envelope, queued.recipients.map(this.#believed))
    this.#byId.set(queued.envelope.queueId, message)
    return message
  }

  /**
   * Gives `act` the message as it is in memory, else as the spool has it, with no turn in between: of two who wait for it the
   * first may have memory forget it, and what the second did to it after that would be lost. Undefined when it is not ours any
   * more. @throws SpoolError
   */
  async take<T>(handle: number, act: (message: Tracked) => T): Promise<Awaited<T> | undefined> {
    for (;;) {
      const message = await this.#fetch(handle)
      if (message === undefined) return undefined
      if (this.#byId.get(message.envelope.queueId) === message) return await act(message)
    }
  }

  /** One read at a time: a second one could return what was true before the message of the first one was delivered. */
  #fetch(handle: number): Promise<Tracked | undefined> {
    const known = this.#known(handle)
    if (known !== undefined) return Promise.resolve(known)
    const coming = this.#coming.get(handle) ?? this.#load(handle).finally(() => this.#coming.delete(handle))
    this.#coming.set(handle, coming)
    return coming
  }

  /** Forgets it if the spool knows all that memory does. */
  release(message: Tracked): void {
    if (isIdle(message)) this.drop(message)
  }

  drop(message: Tracked): void {
    const { queueId } = message.envelope
    if (this.#byId.get(queueId) === message) this.#byId.delete(queueId)
  }

  async #load(handle: number): Promise<Tracked | undefined> {
    const queued = await this.#spool.load(handle)
    if (queued === undefined) return undefined
    return this.#byId.get(queued.envelope.queueId) ?? this.enter(queued)
  }

  #known(handle: number): Tracked | undefined {
    return this.#byId.get(this.#spool.outline(handle)?.queueId ?? '')
  }
}
