/** New states of messages: durable, or, near the end of the volume and where they only defer, remembered until a restart. */
import type { QueuedMessage, RecipientState } from '../mail/envelope.ts'
import type { Ahead } from './ahead.ts'
import type { Allotment } from './allotment.ts'
import type { Cleaner } from './cleaner.ts'
import type { Journal } from './journal.ts'
import type { Register } from './register.ts'
import type { Place } from './segment.ts'
import { stateBytes } from './sizes.ts'

type Parts = {
  readonly register: Register
  readonly ahead: Ahead
  readonly room: Pick<Allotment, 'takesState' | 'during'>
  readonly journal: Pick<Journal, 'append'>
  readonly cleaner: Pick<Cleaner, 'consider'>
  /** @throws SpoolError */
  readonly load: (handle: number) => Promise<QueuedMessage | undefined>
}

export class States {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  // Near the end a state that only defers is not written: after a restart its message is tried sooner, and that is all.
  async record(queueId: string, recipients: readonly RecipientState[]): Promise<void> {
    const { register, ahead, room, cleaner } = this.#parts
    const bytes = stateBytes(recipients)
    if (room.takesState(bytes) || (await this.#closesMore(queueId, recipients))) {
      await room.during(bytes, this.#write(queueId, recipients))
      return
    }
    const handle = register.find(queueId)
    if (handle === undefined) return
    register.standing(handle, recipients)
    ahead.remember(handle, recipients)
    cleaner.consider()
  }

  async #write(queueId: string, recipients: readonly RecipientState[]): Promise<void> {
    const { register, ahead, journal } = this.#parts
    const handle = register.find(queueId)
    // It was set aside: there is nothing to deliver, and nothing to remember.
    if (handle === undefined) return
    ahead.put(handle, recipients)
    register.standing(handle, recipients)
    const durable = (place: Place): void => {
      if (!register.standsFor(handle, queueId)) return
      register.settleState(handle, place)
      ahead.settled(handle, recipients)
    }
    await journal.append({ entry: { kind: 'state', queueId, recipients }, durable })
  }

  /** Whether one of these recipients is done with, and the journal still has it pending. */
  async #closesMore(queueId: string, recipients: readonly RecipientState[]): Promise<boolean> {
    const { register, ahead, load } = this.#parts
    const handle = register.find(queueId)
    if (handle === undefined || recipients.every((r) => r.state === 'pending')) return false
    if (ahead.isBeingWritten(handle)) return true
    const known = await load(handle).catch(() => undefined)
    return recipients.some((r, i) => r.state !== 'pending' && known?.recipients[i]?.state !== r.state)
  }
}
