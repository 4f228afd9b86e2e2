/** What turns out to be damaged when it is read: it is told, moved aside, and then ours no more. Nothing of it is deleted. */
import type { Events } from '../events.ts'
import type { Disk } from './disk.ts'
import type { Paths } from './paths.ts'
import { setAside } from './quarantine.ts'
import type { Register } from './register.ts'
import type { Place, Segment } from './segment.ts'

type Parts = {
  readonly disk: Disk
  readonly paths: Paths
  readonly register: Register
  readonly events: Pick<Events, 'forgotten' | 'notDeleted' | 'quarantined'>
  /** Makes memory forget the message. */
  readonly drop: (handle: number) => void
  /** Writes its removal to the journal. */
  readonly remove: (queueId: string) => Promise<void>
  /** Makes the cleaner look: a segment with damage is moved aside as soon as nothing in it is needed. */
  readonly clean: () => void
}

export class Damage {
  readonly #parts: Parts
  #ending: Promise<unknown> = Promise.resolve()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Resolves when all that is being set aside has been moved, and its removal is written. */
  get ending(): Promise<unknown> {
    return this.#ending
  }

  /** True: the message is ours no more. If its content could not be moved it stays in the queue, and is read again. */
  message(handle: number, queueId: string): Promise<boolean> {
    const { register } = this.#parts
    const place = register.placeOf(handle)
    if (place === undefined || register.isLeaving(handle) || !register.standsFor(handle, queueId))
      return Promise.resolve(true)
    const done = register.hasFile(handle) ? this.#file(handle, queueId) : this.#record(handle, queueId, place)
    this.#ending = Promise.all([this.#ending, done])
    return done
  }

  /** A message has lost its last state. It is told and counted, since recipients who have the message already may get it again. */
  state(handle: number, queueId: string, place: Place): void {
    const { register, events } = this.#parts
    register.loseState(handle)
    if (register.outline(handle)?.disposition === 'relay') events.forgotten(queueId)
    if (!place.segment.damaged) this.#segment(place, `the state of message ${queueId} is damaged or cannot be read`)
  }

  /** A segment of which nothing is needed cannot be moved away, and all that are newer wait for it. */
  stuck({ name, damaged }: Segment, error: unknown): void {
    const { paths, events } = this.#parts
    const why = error instanceof Error ? error.message : String(error)
    if (damaged)
      events.quarantined(paths.segment(name), `can not be set aside, and no room is given back until it can be: ${why}`)
    else events.notDeleted(paths.segment(name), why)
  }

  // No removal is written: a start that comes before the segment has been moved aside finds the damage again.
  async #record(handle: number, queueId: string, place: Place): Promise<boolean> {
    this.#segment(place, damagedContent(queueId))
    this.#parts.drop(handle)
    this.#parts.clean()
    return true
  }

  async #file(handle: number, queueId: string): Promise<boolean> {
    const { disk, paths, register, events, drop, remove } = this.#parts
    const path = paths.content(queueId)
    register.setMovingAside(handle, true)
    const lies = (await setAside(disk, paths, path, `${queueId}.eml`)) === undefined
    // Durable before its removal is: if a loss of power undid only the move, the next start would sweep it, since no record names it.
    if (lies) await disk.syncDirectory(paths.quarantine).catch(ignored)
    const end = lies ? '' : ', and can not be set aside: it stays in the queue'
    events.quarantined(path, `${damagedContent(queueId)}${end}`)
    if (!register.standsFor(handle, queueId)) return true
    register.setMovingAside(handle, false)
    if (!lies) return false
    drop(handle)
    this.#ending = Promise.all([this.#ending, remove(queueId).catch(ignored)])
    return true
  }

  #segment({ segment }: Place, why: string): void {
    segment.damaged = true
    this.#parts.events.quarantined(this.#parts.paths.segment(segment.name), why)
  }
}

const damagedContent = (queueId: string): string => `the content of message ${queueId} is damaged or cannot be read`

const ignored = (): void => {}
