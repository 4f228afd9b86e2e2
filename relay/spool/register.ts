/** The messages that are ours, a row of numbers for each: a million take little memory. All else is read from the journal. */
import { type Envelope, type RecipientState, soonestOf } from '../mail/envelope.ts'
import { Column } from './column.ts'
import { IdTable } from './id-table.ts'
import { Numbered } from './numbered.ts'
import type { ContentFile } from './record.ts'
import { Rows } from './rows.ts'
import type { Place, Segment } from './segment.ts'
import { removalBytes, stateBytes } from './sizes.ts'
import type { Outline } from './spool.ts'

const captured = 1
const inFile = 2
const allDone = 4
/** Its record is a copy (`moved`), which holds its state, too. */
const copied = 8
const leaving = 16
const movingAside = 32

export class Register {
  readonly #ids = new IdTable()
  readonly #segments = new Numbered()
  readonly #credentials: string[] = []
  readonly #credentialNumbers = new Map<string, number>()
  #bytes = 0
  #fileBytes = 0
  #liveBytes = 0
  #stateBytes = 0
  #growth = 0
  #done = 0
  readonly #acceptedAt = new Column('floats')
  readonly #dueAt = new Column('floats')
  /** Not words: a content may have more than four gigabytes. */
  readonly #octets = new Column('floats')
  readonly #credential = new Column('words')
  readonly #marks = new Column('octets')
  /** Octets that are kept for a state of it: as reckoned, or as its largest one took, if that was more. */
  readonly #room = new Column('words')
  /** Where its record lies: the one that made it ours, or its last copy. */
  readonly #record = new Rows(this.#segments)
  /** Where its last state lies, if that has a record of its own. */
  readonly #state = new Rows(this.#segments)

  get size(): number {
    return this.#ids.size
  }

  /** How many of them delivery has something left to do for. */
  get undone(): number {
    return this.size - this.#done
  }

  /** Octets of all contents. */
  get bytes(): number {
    return this.#bytes
  }

  /** Octets of the contents that have files of their own. */
  get fileBytes(): number {
    return this.#fileBytes
  }

  /** Octets of the records that make them ours. */
  get liveBytes(): number {
    return this.#liveBytes
  }

  /** Octets that are kept for one state of each. */
  get stateBytes(): number {
    return this.#stateBytes
  }

  /** Octets that are added when each is copied: a copy holds a state. */
  get growth(): number {
    return this.#growth
  }

  /** Octets of the volume that are spoken for by all of these, and by a removal of each. */
  get claimed(): number {
    return this.#fileBytes + this.#liveBytes + this.#stateBytes + this.#growth + this.size * removalBytes
  }

  get oldestAcceptedAt(): number | undefined {
    return this.earliest((acceptedAt) => acceptedAt)
  }

  earliest(trueTime: (acceptedAt: number) => number): number | undefined {
    let earliest = Number.POSITIVE_INFINITY
    for (let handle = 0; handle < this.#ids.top; handle += 1) {
      const at = trueTime(this.#acceptedAt.get(handle))
      if (at < earliest && this.#ids.has(handle)) earliest = at
    }
    return earliest === Number.POSITIVE_INFINITY ? undefined : earliest
  }

  add(envelope: Envelope, recipients: readonly RecipientState[], place: Place, file: ContentFile | undefined): number {
    const handle = this.#ids.add(envelope.queueId)
    this.#acceptedAt.set(handle, envelope.acceptedAt)
    this.#octets.set(handle, envelope.bytes)
    this.#credential.set(handle, this.#numberOf(envelope.credential))
    this.#marks.set(handle, (envelope.disposition === 'capture' ? captured : 0) | (file === undefined ? 0 : inFile))
    this.#bytes += envelope.bytes
    if (file !== undefined) this.#fileBytes += envelope.bytes
    this.#state.clear(handle)
    this.standing(handle, recipients)
    this.#lie(handle, place)
    this.#keepRoom(handle, stateBytes(recipients))
    return handle
  }

  remove(handle: number): void {
    this.#leave(handle)
    this.#keepRoom(handle, 0)
    this.#bytes -= this.#octets.get(handle)
    if (this.hasFile(handle)) this.#fileBytes -= this.#octets.get(handle)
    if (this.isDone(handle)) this.#done -= 1
    this.#ids.delete(handle)
  }

  find(queueId: string): number | undefined {
    return this.#ids.find(queueId)
  }

  /** The handle may have come to stand for another message since; or for none. */
  standsFor(handle: number, queueId: string): boolean {
    return this.#ids.find(queueId) === handle
  }

  outline(handle: number): Outline | undefined {
    if (!this.#ids.has(handle)) return undefined
    const marks = this.#marks.get(handle)
    return {
      queueId: this.#ids.idOf(handle),
      credential: this.#credentials[this.#credential.get(handle)] ?? '',
      disposition: (marks & captured) === 0 ? 'relay' : 'capture',
      acceptedAt: this.#acceptedAt.get(handle),
      dueAt: this.#dueAt.get(handle),
      bytes: this.#octets.get(handle),
    }
  }

  acceptedAt(handle: number): number | undefined {
    return this.#ids.has(handle) ? this.#acceptedAt.get(handle) : undefined
  }

  /** Its content has a file of its own. */
  hasFile(handle: number): boolean {
    return (this.#marks.get(handle) & inFile) !== 0
  }

  /** Its removal is being written, or its content is being moved aside: it must not be copied. */
  isLeaving(handle: number): boolean {
    return (this.#marks.get(handle) & (leaving | movingAside)) !== 0
  }

  /** Its removal is being written. */
  setLeaving(handle: number, leaves: boolean): void {
    this.#mark(handle, leaving, leaves)
  }

  /** Its content is being moved aside, which may fail while its removal is still being written. */
  setMovingAside(handle: number, moves: boolean): void {
    this.#mark(handle, movingAside, moves)
  }

  /** Delivery has nothing left to do. */
  isDone(handle: number): boolean {
    return (this.#marks.get(handle) & allDone) !== 0
  }

  /** Its recipients have new states: when it is due next, and whether anything is left to do. */
  standing(handle: number, recipients: readonly RecipientState[]): void {
    const dueAt = soonestOf(recipients)
    const isDone = dueAt === Number.POSITIVE_INFINITY
    if (isDone !== this.isDone(handle)) this.#done += isDone ? 1 : -1
    this.#mark(handle, allDone, isDone)
    this.#dueAt.set(handle, dueAt)
  }

  /** Its newest record lies there, and holds its state. */
  settle(handle: number, place: Place): void {
    this.#lie(handle, place)
    this.#state.clear(handle)
    this.#growth -= this.growthOf(handle)
    this.#marks.set(handle, this.#marks.get(handle) | copied)
  }

  /** Its state lies there, in a later record of its own. */
  settleState(handle: number, place: Place): void {
    this.#state.set(handle, place)
    if (place.bytes > this.#room.get(handle)) this.#keepRoom(handle, place.bytes)
  }

  /** No record holds its state any more. */
  loseState(handle: number): void {
    this.#state.clear(handle)
  }

  /** By how many octets a copy would be larger than its record; 0 where that is a copy already. */
  growthOf(handle: number): number {
    return (this.#marks.get(handle) & copied) === 0 ? this.#room.get(handle) : 0
  }

  placeOf(handle: number): Place | undefined {
    return this.#record.get(handle)
  }

  placeOfState(handle: number): Place | undefined {
    return this.#state.get(handle)
  }

  /** Nothing of ours lies in the segment any more. */
  retire(segment: Segment): void {
    this.#segments.forget(segment)
  }

  /** Those whose newest record lies in the segment. */
  in(segment: Segment): number[] {
    return this.#record.in(segment, this.#ids.top)
  }

  isIn(handle: number, segment: Segment): boolean {
    return this.#record.isIn(handle, segment)
  }

  /** In the order of acceptance. */
  handles(): Int32Array {
    const handles = new Int32Array(this.size)
    let count = 0
    let sorted = true
    for (let handle = 0; handle < this.#ids.top; handle += 1) {
      if (!this.#ids.has(handle)) continue
      const before = handles[count - 1]
      handles[count++] = handle
      sorted &&= before === undefined || this.#order(before, handle) < 0
    }
    return sorted ? handles : handles.sort((a, b) => this.#order(a, b))
  }

  #mark(handle: number, mark: number, isSet: boolean): void {
    const marks = this.#marks.get(handle)
    this.#marks.set(handle, isSet ? marks | mark : marks & ~mark)
  }

  #order(a: number, b: number): number {
    const later = this.#acceptedAt.get(a) - this.#acceptedAt.get(b)
    return later !== 0 ? later : this.#ids.idOf(a) < this.#ids.idOf(b) ? -1 : 1
  }

  #keepRoom(handle: number, bytes: number): void {
    this.#stateBytes += bytes - this.#room.get(handle)
    this.#growth -= this.growthOf(handle)
    this.#room.set(handle, bytes)
    this.#growth += this.growthOf(handle)
  }

  #lie(handle: number, place: Place): void {
    this.#leave(handle)
    this.#record.set(handle, place)
    place.segment.live += 1
    place.segment.liveBytes += place.bytes
    this.#liveBytes += place.bytes
  }

  #leave(handle: number): void {
    const place = this.placeOf(handle)
    if (place === undefined) return
    place.segment.live -= 1
    place.segment.liveBytes -= place.bytes
    this.#liveBytes -= place.bytes
    this.#record.clear(handle)
  }

  #numberOf(credential: string): number {
    const known = this.#credentialNumbers.get(credential)
    if (known !== undefined) return known
    this.#credentialNumbers.set(credential, this.#credentials.length)
    return this.#credentials.push(credential) - 1
  }
}
