/** Records of the journal come out as they were written, and after damage none comes out that was not. */
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Envelope } from '../../../relay/mail/envelope.ts'
import { type Entry, encode, type Piece, scan } from '../../../relay/spool/record.ts'
import { contentOf, draft, pending } from './contents.ts'

const nonce = Buffer.from('00112233445566ff', 'hex')
const envelope = (queueId: string, bytes: number): Envelope => ({ ...draft, queueId, bytes })
const bytesOf = (entry: Entry, content?: Buffer): Buffer => Buffer.concat(encode(nonce, entry, content).buffers)

const contents = [contentOf(1, 60), contentOf(2, 0), contentOf(3, 90)]
const entries: readonly (readonly [Entry, (Buffer | undefined)?])[] = [
  [{ kind: 'opened', version: 1, ends: { older: 77 } }],
  [{ kind: 'accepted', envelope: envelope('aaaaaaaaaa', 60) }, contents[0]],
  [{ kind: 'accepted', envelope: envelope('bbbbbbbbbb', 0) }, contents[1]],
  [{ kind: 'moved', envelope: envelope('cccccccccc', 90), recipients: [pending('one@other.example')] }, contents[2]],
  [{ kind: 'accepted', envelope: envelope('dddddddddd', 9e6), file: { crc: 4_294_967_295 } }],
  [{ kind: 'state', queueId: 'aaaaaaaaaa', recipients: [pending('ü❌@other.example')] }],
  [{ kind: 'removed', queueId: 'bbbbbbbbbb' }],
  [{ kind: 'void', queueId: 'cccccccccc' }],
]
const segment = Buffer.concat(entries.map(([entry, content]) => bytesOf(entry, content)))
const pieces = (bytes: Buffer): Piece[] => [...scan(bytes, nonce)]

/** Entry and content of every record that comes out. */
const read = (bytes: Buffer) =>
  pieces(bytes).flatMap((p) =>
    p.kind === 'record'
      ? [[p.entry, bytes.subarray(p.content.offset, p.content.offset + p.content.length).toString('hex')] as const]
      : [],
  )
const written = read(segment)

test('records come out as they were written, in their order, with their contents', () => {
  expect(pieces(segment).map((p) => p.kind)).toEqual(entries.map(() => 'record'))
  expect(written).toEqual(entries.map(([entry, content]) => [entry, content?.toString('hex') ?? '']))
})

test('of a segment that is cut anywhere the records before the cut come out, and the rest is torn, never damaged', () => {
  const ends = pieces(segment).map((p) => (p.kind === 'record' ? p.end : -1))
  for (let length = 0; length < segment.length; length += 1) {
    const whole = ends.filter((end) => end <= length).length
    const found = pieces(segment.subarray(0, length))
    expect(read(segment.subarray(0, length))).toEqual(written.slice(0, whole))
    expect(found.filter((p) => p.kind === 'damaged')).toEqual([])
    expect(found.some((p) => p.kind === 'torn')).toBe(length !== 0 && !ends.includes(length))
  }
})

test('of a segment with any octet changed one record is told as damaged, and every other comes out as it was', () => {
  for (let at = 0; at < segment.length; at += 1) {
    for (const flip of [0x01, 0x80, 0xff]) {
      const bytes = Buffer.from(segment)
      bytes[at] = (bytes[at] ?? 0) ^ flip
      const hit = pieces(segment).findIndex((p) => p.kind === 'record' && at < p.end)
      expect(read(bytes), `octet ${at}`).toEqual(written.toSpliced(hit, 1))
      expect(pieces(bytes).filter((p) => p.kind !== 'record')).toHaveLength(1)
    }
  }
})

test('after any damage, no record comes out that was not written', () => {
  const wounds = fc.array(fc.tuple(fc.nat(segment.length), fc.uint8Array({ minLength: 1, maxLength: 200 })), {
    minLength: 1,
    maxLength: 4,
  })
  fc.assert(
    fc.property(wounds, fc.nat(segment.length), fc.nat(300), (all, cut, gap) => {
      const bytes = Buffer.concat([segment.subarray(0, cut), segment.subarray(Math.min(segment.length, cut + gap))])
      for (const [at, octets] of all)
        bytes.set(octets.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length))
      const known = written.map((w) => JSON.stringify(w))
      for (const found of read(bytes)) expect(known).toContain(JSON.stringify(found))
    }),
    { numRuns: 2000 },
  )
})

test('a page of zeros at the end is a write that a crash cut short', () => {
  expect(pieces(Buffer.concat([segment, Buffer.alloc(4096)])).at(-1)).toEqual({ kind: 'torn', at: segment.length })
})

test.each([
  ['as many octets as a head has', Buffer.alloc(28, 'x')],
  ['one octet again and again that is not zero', Buffer.alloc(4096, 'x')],
  ['zeros with another octet behind them', Buffer.concat([Buffer.alloc(4096), Buffer.of(1)])],
])('what is no write that a crash cut short is damaged, at the end, too: %s', (_what, octets) => {
  const bytes = Buffer.concat([segment, octets])
  expect(pieces(bytes).at(-1)).toMatchObject({ kind: 'damaged', at: segment.length, end: bytes.length })
})

test('a whole record of a kind that only a later version has is damaged to this one, and never carried out', () => {
  const later = { kind: 'later', queueId: 'aaaaaaaaaa' } as unknown as Entry
  expect(pieces(Buffer.concat([segment, bytesOf(later)])).at(-1)).toMatchObject({ kind: 'damaged', at: segment.length })
})

describe('a message that contains a record', () => {
  const forged = (with8: Buffer): Buffer => {
    const [head, json] = encode(with8, { kind: 'removed', queueId: 'aaaaaaaaaa' }).buffers
    return Buffer.concat([head ?? Buffer.of(), json ?? Buffer.of()])
  }
  const carrier = (content: Buffer): Buffer =>
    bytesOf({ kind: 'accepted', envelope: envelope('eeeeeeeeee', content.length) }, content)

  test('is content as long as its own record is whole', () => {
    expect(read(carrier(forged(nonce)))).toHaveLength(1)
  })

  test('is not believed when its own head is damaged: its author cannot know the nonce', () => {
    const bytes = carrier(forged(Buffer.from('ffffffffffffffff', 'hex')))
    bytes[10] = (bytes[10] ?? 0) ^ 1
    expect(read(bytes)).toEqual([])
  })
})

test('the checksum is the CRC-32 of zlib, in 28 octets of head', () => {
  const { bytes, buffers } = encode(nonce, { kind: 'removed', queueId: 'aaaaaaaaaa' }, Buffer.from('123456789'))
  const crc = buffers[0]?.readUInt32LE(20)
  expect(crc).toBe(0xcbf43926) // the check value of CRC-32/ISO-HDLC
  expect(crc).toBe(crc32('123456789'))
  expect(buffers[0]).toHaveLength(28)
  expect(bytes).toBe(Buffer.concat(buffers).length)
})
