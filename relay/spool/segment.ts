/** One file of the journal: its name holds the number that orders it, and the nonce that only its own records carry. */
import { nonceBytes } from './record.ts'

/** Where a whole record lies, in octets from the beginning of its segment. */
export type Place = { readonly segment: Segment; readonly at: number; readonly bytes: number }

export type Segment = {
  readonly name: string
  /** From 1. */
  readonly number: number
  readonly nonce: Buffer
  /** Octets that are whole and durable. */
  bytes: number
  /** Messages that are ours, whose newest record lies here, and the octets of those records. */
  live: number
  liveBytes: number
  /** Set aside, instead of deleted, when no message of ours is left in it. */
  damaged: boolean
}

export function newSegment(number: number, nonce: Buffer): Segment {
  const name = `${String(number).padStart(10, '0')}-${nonce.toString('hex')}.log`
  return { name, number, nonce, bytes: 0, live: 0, liveBytes: 0, damaged: false }
}

const nameForm = new RegExp(`^(?!0{10})([0-9]{10})-([0-9a-f]{${2 * nonceBytes}})\\.log$`)

/** The segment of a file's name, or undefined when it is no name of ours. */
export function parseSegmentName(name: string): Segment | undefined {
  const [, number, nonce] = nameForm.exec(name) ?? []
  return number === undefined || nonce === undefined ? undefined : newSegment(Number(number), Buffer.from(nonce, 'hex'))
}

/** Octets of a full one: few against the volume, so that a nearly full one has something to clean; many, so that folders rest. */
export const segmentBytesFor = (total: number): number =>
  Math.max(64 * 1024, Math.min(16 * 1024 * 1024, Math.floor(total / 64)))
