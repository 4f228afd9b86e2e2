/** One file of the journal: its name holds the number that orders it, and the nonce that only its own records carry. */
import type { QueuedMessage } from '../mail/envelope.ts'
import { type ContentFile, type Extent, nonceBytes } from './record.ts'

/** A message that is ours, and where its record lies. */
export type Held = {
  message: QueuedMessage
  place: Place
  readonly file: ContentFile | undefined
  /** Its removal is written already and not yet durable: it may not be copied behind it. */
  leaving: boolean
}

export type Place = { readonly segment: Segment; readonly bytes: number; readonly content: Extent }

export type Segment = {
  readonly name: string
  readonly number: number
  readonly nonce: Buffer
  /** Octets that are whole and durable. */
  bytes: number
  /** Octets of the records of messages that are ours. */
  liveBytes: number
  /** Set aside, instead of deleted, when no message of ours is left in it. */
  damaged: boolean
  readonly held: Set<Held>
}

export function newSegment(number: number, nonce: Buffer): Segment {
  const name = `${String(number).padStart(10, '0')}-${nonce.toString('hex')}.log`
  return { name, number, nonce, bytes: 0, liveBytes: 0, damaged: false, held: new Set() }
}

const nameForm = new RegExp(`^([0-9]{10})-([0-9a-f]{${2 * nonceBytes}})\\.log$`)

/** The segment of a file's name, or undefined when it is no name of ours. */
export function parseSegmentName(name: string): Segment | undefined {
  const [, number, nonce] = nameForm.exec(name) ?? []
  return number === undefined || nonce === undefined ? undefined : newSegment(Number(number), Buffer.from(nonce, 'hex'))
}

/** Puts a message where its newest record lies. */
export function settle(held: Held, place: Place): void {
  leave(held)
  held.place = place
  place.segment.held.add(held)
  place.segment.liveBytes += place.bytes
}

/** The message needs its record no more. */
export function leave(held: Held): void {
  if (held.place.segment.held.delete(held)) held.place.segment.liveBytes -= held.place.bytes
}
