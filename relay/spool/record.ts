/** One record of the journal as bytes: a head, one line of JSON, and the content of a small message. Pure. */
import { crc32 } from 'node:zlib'
import type { Envelope, RecipientState } from '../mail/envelope.ts'

/** Content that is too large for the journal: its own file, under the queue id. */
export type ContentFile = { readonly crc: number }

export type Entry =
  /**
   * Opens each segment. `ends` says how many octets of each older segment were whole then, and `undone` how many messages were ours
   * and not done with; `name` is its own.
   */
  | {
      readonly kind: 'opened'
      readonly version: number
      readonly ends: Readonly<Record<string, number>>
      readonly name?: string
      readonly undone?: number
    }
  /** The message became ours; nothing was attempted yet. Its content follows, unless it has a file. */
  | { readonly kind: 'accepted'; readonly envelope: Envelope; readonly file?: ContentFile }
  /** The same message again, out of a segment that was cleaned. */
  | {
      readonly kind: 'moved'
      readonly envelope: Envelope
      readonly recipients: readonly RecipientState[]
      readonly file?: ContentFile
    }
  | { readonly kind: 'state'; readonly queueId: string; readonly recipients: readonly RecipientState[] }
  /** The message is no longer ours. */
  | { readonly kind: 'removed'; readonly queueId: string }
  /** The message was refused after its record may have reached the disk: it never was. */
  | { readonly kind: 'void'; readonly queueId: string }

/** `first`: it begins a write, so everything before it in its segment was on the medium by then. */
export type Written = Entry & { readonly first?: true }

export const journalVersion = 1
const kinds: readonly unknown[] = ['opened', 'accepted', 'moved', 'state', 'removed', 'void'] satisfies Entry['kind'][]

/** Where the octets of a content lie, from the beginning of what was read. */
export type Extent = { readonly offset: number; readonly length: number }

export type Piece =
  | {
      readonly kind: 'record'
      readonly entry: Written
      readonly at: number
      readonly end: number
      readonly content: Extent
    }
  /** One whole record or more that is not what was written; `said` is its entry, where only the content is damaged. */
  | {
      readonly kind: 'damaged'
      readonly at: number
      readonly end: number
      readonly why: string
      readonly said?: Written
    }
  /** The last write before a crash: it was cut short, so it was never acknowledged. */
  | { readonly kind: 'torn'; readonly at: number }

// Head: nonce (8), length of the JSON (4), length of the content (4), CRC-32 of the JSON (4), of the content (4), of the head (4).
export const nonceBytes = 8
const headBytes = 28
const sealedBytes = headBytes - 4

/** The buffers of one record, to be written one after the other, and how many octets they have together. */
export function encode(
  nonce: Buffer,
  entry: Entry,
  content?: Buffer,
  first = false,
): { buffers: Buffer[]; bytes: number } {
  const json = Buffer.from(first ? asFirst(jsonOf(entry)) : jsonOf(entry))
  const contentBytes = content?.length ?? 0
  const head = Buffer.allocUnsafe(headBytes)
  nonce.copy(head)
  head.writeUInt32LE(json.length, 8)
  head.writeUInt32LE(contentBytes, 12)
  head.writeUInt32LE(crc32(json), 16)
  head.writeUInt32LE(content === undefined ? 0 : crc32(content), 20)
  head.writeUInt32LE(crc32(head.subarray(0, sealedBytes)), sealedBytes)
  const buffers = content === undefined ? [head, json] : [head, json, content]
  return { buffers, bytes: headBytes + json.length + contentBytes }
}

/** Half of all records are removals: their JSON is put together here, since JSON.stringify would take longer. */
const jsonOf = (entry: Entry): string =>
  entry.kind === 'removed' && isPlain.test(entry.queueId)
    ? `{"kind":"removed","queueId":"${entry.queueId}"}`
    : JSON.stringify(entry)

/** The same JSON, of a record that is `Written` first. */
const asFirst = (json: string): string => `${json.slice(0, -1)},"first":true}`

const isPlain = /^[0-9A-Za-z]+$/

/** True where the content of an entry is not checked now, but when it is given out: it was synced for certain. */
export type Trust = (entry: Entry) => boolean
export const checkAll: Trust = () => false

/** Everything that a segment holds, in its order; whatever the bytes are, only what was written comes out as a record. */
export function* scan(bytes: Buffer, nonce: Buffer, trust: Trust = checkAll, from = 0): Generator<Piece> {
  for (let at = from; at < bytes.length; ) {
    const piece = pieceAt(bytes, at, nonce, trust)
    yield piece
    if (piece.kind === 'torn') return
    at = piece.end
  }
}

export function holdsRecord(bytes: Buffer, nonce: Buffer): boolean {
  for (const { kind } of scan(bytes, nonce)) if (kind === 'record') return true
  return false
}

/** The one record that these octets are, or undefined when they are something else. */
export function recordIn(bytes: Buffer, nonce: Buffer): Extract<Piece, { kind: 'record' }> | undefined {
  const piece = pieceAt(bytes, 0, nonce, checkAll)
  return piece.kind === 'record' && piece.end === bytes.length ? piece : undefined
}

function pieceAt(bytes: Buffer, at: number, nonce: Buffer, trust: Trust): Piece {
  if (!headAt(bytes, at, nonce)) return headless(bytes, at, nonce)
  const json = at + headBytes
  const content = json + bytes.readUInt32LE(at + 8)
  const end = content + bytes.readUInt32LE(at + 12)
  if (end > bytes.length) return { kind: 'torn', at }
  const entry = entryIn(bytes.subarray(json, content), bytes.readUInt32LE(at + 16))
  if (entry === undefined) return { kind: 'damaged', at, end, why: 'a record is damaged' }
  const crc = bytes.readUInt32LE(at + 20)
  if (!trust(entry) && crc32(bytes.subarray(content, end)) !== crc)
    return { kind: 'damaged', at, end, why: damagedContent(entry), said: entry }
  return { kind: 'record', entry, at, end, content: { offset: content, length: end - content } }
}

const damagedContent = (entry: Entry): string =>
  `the content of message ${'envelope' in entry ? entry.envelope.queueId : '(none)'} is damaged`

const headAt = (bytes: Buffer, at: number, nonce: Buffer): boolean =>
  at + headBytes <= bytes.length &&
  nonce.equals(bytes.subarray(at, at + nonceBytes)) &&
  crc32(bytes.subarray(at, at + sealedBytes)) === bytes.readUInt32LE(at + sealedBytes)

// A message may contain what looks like a record, but its author cannot know the nonce of the segment.
function headless(bytes: Buffer, at: number, nonce: Buffer): Piece {
  let next = bytes.indexOf(nonce, at + 1)
  while (next !== -1 && !headAt(bytes, next, nonce)) next = bytes.indexOf(nonce, next + 1)
  if (next !== -1) return { kind: 'damaged', at, end: next, why: 'a record is damaged' }
  const rest = bytes.subarray(at)
  // A file system may leave zeros where a write was cut. All are zero if the first is and each equals the one before: one call, even
  // for a hundred megabytes.
  const cut = rest.length < headBytes || (rest[0] === 0 && rest.subarray(1).equals(rest.subarray(0, -1)))
  return cut ? { kind: 'torn', at } : { kind: 'damaged', at, end: bytes.length, why: 'a record is damaged' }
}

/** The checksum says that we wrote it; the look at `kind` is for a segment of a later version. */
function entryIn(json: Buffer, crc: number): Written | undefined {
  if (crc32(json) !== crc) return undefined
  try {
    const entry: Written = JSON.parse(json.toString())
    return kinds.includes(entry.kind) ? entry : undefined
  } catch {
    return undefined
  }
}
