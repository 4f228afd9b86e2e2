/** Messages as the journal holds them, read when they are asked for: whole and as of now, or not at all. */
import type { QueuedMessage, RecipientState } from '../mail/envelope.ts'
import type { Ahead } from './ahead.ts'
import { spoolError } from './disk-error.ts'
import { type ContentFile, type Entry, recordIn } from './record.ts'
import type { Register } from './register.ts'
import { untried } from './replay.ts'
import type { Place } from './segment.ts'

export type Loaded = {
  readonly message: QueuedMessage
  readonly file: ContentFile | undefined
  /** Empty where it has a file of its own. */
  readonly content: Buffer
}

type Parts = {
  readonly directory: string
  readonly register: Register
  readonly ahead: Ahead
  /** Undefined when the place counts as damaged. @throws the disk's error */
  readonly read: (place: Place) => Promise<Buffer | undefined>
  /** The record that makes the message ours is not what was written: nothing of it can be given out. */
  readonly damaged: (handle: number, queueId: string) => Promise<unknown>
  /** Its last state is damaged: it stands again as in that record, since mail that comes twice is better than mail that does not. */
  readonly damagedState: (handle: number, queueId: string, place: Place) => void
}

type Base = Extract<Entry, { kind: 'accepted' | 'moved' }>
type Read = { readonly entry: Entry; readonly content: Buffer } | undefined

export class Messages {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Undefined when the message is not ours, or no more. @throws SpoolError */
  async load(handle: number): Promise<Loaded | undefined> {
    const queueId = this.#parts.register.outline(handle)?.queueId
    if (queueId === undefined) return undefined
    for (;;) {
      const { register } = this.#parts
      const [place, state] = [register.placeOf(handle), register.placeOfState(handle)]
      if (place === undefined || !register.standsFor(handle, queueId)) return undefined
      const loaded = await this.#attempt(handle, queueId, place, state).catch((error: unknown) => ({ error }))
      const moved = !same(register.placeOf(handle), place) || !same(register.placeOfState(handle), state)
      if (moved || !register.standsFor(handle, queueId)) continue
      if (!('error' in loaded)) return this.#asOfNow(handle, loaded)
      if (!(loaded.error instanceof RecordDamaged)) {
        throw spoolError(`spool ${this.#parts.directory}: message ${queueId} could not be read`, loaded.error)
      }
      await this.#parts.damaged(handle, queueId)
      return undefined
    }
  }

  async #attempt(handle: number, queueId: string, place: Place, state: Place | undefined): Promise<Loaded> {
    const read = await this.#read(place)
    if (read === undefined || !isBase(read.entry) || read.entry.envelope.queueId !== queueId) throw new RecordDamaged()
    const { envelope, file } = read.entry
    const recipients = (await this.#recipients(handle, queueId, state)) ?? recipientsOf(read.entry)
    return { message: { envelope, recipients }, file, content: read.content }
  }

  async #recipients(handle: number, queueId: string, state: Place | undefined) {
    const { register, ahead, damagedState } = this.#parts
    if (state === undefined || ahead.stateOf(handle) !== undefined) return ahead.stateOf(handle)
    const read = await this.#read(state)
    if (read?.entry.kind === 'state' && read.entry.queueId === queueId) return read.entry.recipients
    // If it has another place by now, a newer one has come, and is read instead.
    if (same(register.placeOfState(handle), state)) damagedState(handle, queueId, state)
    return undefined
  }

  // With what has become known while it was read.
  #asOfNow(handle: number, { message, file, content }: Loaded): Loaded {
    const { ahead } = this.#parts
    const recipients = ahead.complete(handle, ahead.stateOf(handle) ?? message.recipients)
    return { message: { envelope: message.envelope, recipients }, file, content }
  }

  /** Reads it again where it was wrong: the network or memory may have erred, and what lies there may be whole. */
  async #read(place: Place): Promise<Read> {
    return (await this.#readOnce(place)) ?? this.#readOnce(place)
  }

  async #readOnce(place: Place): Promise<Read> {
    const bytes = await this.#parts.read(place)
    const record = bytes && recordIn(bytes, place.segment.nonce)
    if (bytes === undefined || record === undefined) return undefined
    const { offset, length } = record.content
    return { entry: record.entry, content: bytes.subarray(offset, offset + length) }
  }
}

class RecordDamaged extends Error {}

const isBase = (entry: Entry): entry is Base => entry.kind === 'accepted' || entry.kind === 'moved'

const recipientsOf = (entry: Base): readonly RecipientState[] =>
  entry.kind === 'moved' ? entry.recipients : untried(entry.envelope)

const same = (a: Place | undefined, b: Place | undefined): boolean => a?.segment === b?.segment && a?.at === b?.at
