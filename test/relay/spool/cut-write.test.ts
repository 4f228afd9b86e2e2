/** A write that a loss of power has cut short is told from damage: by its zeros, and by where writes begin. */
import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { cutShort } from '../../../relay/spool/cut-write.ts'
import { type Entry, encode, scan } from '../../../relay/spool/record.ts'
import { contentOf, draft } from './contents.ts'
import { filled, found } from './filled.ts'

const nonce = Buffer.from('0123456789abcdef', 'hex')
/** The octet from which nothing of the segment counts, though it can be read; Infinity where no write was cut before the end. */
function cutOf(bytes: Buffer): number {
  const written = [...scan(bytes, nonce)]
  const cut = [...cutShort(bytes, scan(bytes, nonce))].find(
    ({ kind }, i) => kind === 'torn' && written[i]?.kind !== kind,
  )
  return cut?.at ?? Infinity
}
const accepted = (n: number): Entry => ({
  kind: 'accepted',
  envelope: { ...draft, queueId: `message${String(n).padStart(3, '0')}`, bytes: 1000 },
})

/** A segment of the opening record, and of writes of so many messages each; and where each record begins. */
function segmentOf(...writes: readonly number[]) {
  let n = 0
  const parts = [encode(nonce, { kind: 'opened', version: 1, ends: {} }, undefined, true)]
  for (const messages of writes)
    for (let i = 0; i < messages; i += 1)
      parts.push(encode(nonce, accepted(n), contentOf(n++, 1000).fill(65, 500), i === 0))
  let at = 0
  const places = parts.map(({ bytes }) => {
    at += bytes
    return at - bytes
  })
  return { bytes: Buffer.concat(parts.flatMap(({ buffers }) => buffers)), places: [...places, at] }
}

/** Sector `n` was never written. */
const withoutSector = (bytes: Buffer, n: number): Buffer =>
  Buffer.from(bytes).fill(0, 512 * n, Math.min(512 * (n + 1), bytes.length))
/** Every sector that holds an octet of record `record`, but no octet of the records before `from`. */
const sectorsOf = (places: readonly number[], record: number, from: number): readonly number[] => {
  const first = Math.max(Math.floor((places[record] ?? 0) / 512), Math.ceil((places[from] ?? 0) / 512))
  const last = Math.ceil((places[record + 1] ?? 0) / 512)
  return Array.from({ length: last - first }, (_, i) => first + i)
}

test('any sector that is missing in the last write cuts it, at the first record that has octets in it', () => {
  const { bytes, places } = segmentOf(2, 5)
  for (let record = 3; record < 8; record += 1) {
    for (const sector of sectorsOf(places, record, 3)) {
      const cut = cutOf(withoutSector(bytes, sector))
      const touched = places.findLastIndex((place) => place <= 512 * sector)
      expect(cut, `sector ${sector}`).toBe(places[touched])
    }
  }
})

test('the last sector is missed however few octets of the last record are in it', () => {
  const ends = Array.from({ length: 512 }, (_, more) => {
    const opened = encode(nonce, { kind: 'opened', version: 1, ends: {} }, undefined, true)
    const last = encode(nonce, accepted(1), Buffer.alloc(500 + more, 65), true)
    const bytes = Buffer.concat([...opened.buffers, ...last.buffers])
    const sector = Math.ceil(bytes.length / 512) - 1
    expect(cutOf(withoutSector(bytes, sector)), `${bytes.length} octets`).toBe(opened.bytes)
    return bytes.length % 512
  })
  expect(new Set(ends).size).toBe(512)
})

test('a sector that is missing before a later write is damage: that write began when it was on the medium', () => {
  const { bytes, places } = segmentOf(5, 1)
  for (const sector of sectorsOf(places, 3, 2)) {
    const damaged = withoutSector(bytes, sector)
    expect([...cutShort(damaged, scan(damaged, nonce))]).toEqual([...scan(damaged, nonce)])
  }
})

test('an octet that is changed in the last record is damage, wherever in its sector that record ends', () => {
  const ends = Array.from({ length: 512 }, (_, more) => {
    const opened = encode(nonce, { kind: 'opened', version: 1, ends: {} }, undefined, true)
    const last = encode(nonce, accepted(1), Buffer.alloc(500 + more, 65), true)
    const bytes = Buffer.concat([...opened.buffers, ...last.buffers])
    bytes[bytes.length - 1] = 66
    expect(cutOf(bytes), `${bytes.length} octets`).toBe(Infinity)
    return bytes.length % 512
  })
  expect(new Set(ends).size).toBe(512)
})

test('a later write has begun also where the content of its first message is not whole', () => {
  const { bytes, places } = segmentOf(5, 1)
  const [earlier = 0] = sectorsOf(places, 3, 2)
  const [, , , , , , later = 0] = places
  const [, inContent = 0] = sectorsOf(places, 6, 6)
  expect(512 * inContent).toBeGreaterThan(later + bytes.subarray(later).indexOf('"first":true'))
  expect(cutOf(withoutSector(withoutSector(bytes, earlier), inContent))).toBe(later)
})

test('an octet that is another one in the last write is damage', () => {
  const { bytes, places } = segmentOf(2, 5)
  for (let at = places[4] ?? 0; at < (places[5] ?? 0); at += 1) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ 0x40
    expect(cutOf(changed), `octet ${at}`).toBe(Infinity)
  }
})

test('a segment of a version that did not say where writes begin is judged as it was: what is missing is damage', () => {
  const records = [{ kind: 'opened', version: 1, ends: {} } as const, accepted(1), accepted(2), accepted(3)]
  const bytes = Buffer.concat(records.flatMap((entry) => encode(nonce, entry, Buffer.alloc(700, 65)).buffers))
  const [, second] = [...scan(bytes, nonce)].map(({ at }) => at)
  expect(cutOf(withoutSector(bytes, Math.ceil((second ?? 0) / 512)))).toBe(Infinity)
})

test('a sector that is missing in a copy of what could be read is damage, since the line below says so (docs/sre.md)', () => {
  const { bytes, places } = segmentOf(2, 5)
  const [sector = 0] = sectorsOf(places, 5, 3)
  const copy = withoutSector(bytes, sector)
  expect(cutOf(copy)).toBeLessThan(copy.length)
  expect(cutOf(Buffer.concat([copy, Buffer.from('damaged, by hand\n')]))).toBe(Infinity)
})

test('nothing behind the cut counts, at this start and at the next, and nobody is told of damage (case S10)', async () => {
  const spool = await filled()
  const before = readFileSync(spool.segment)
  const ofSegment = before.subarray(0, nonce.length)
  // A write of two messages, of which the second has reached the medium, and the first two sectors have not.
  const missing = encode(ofSegment, accepted(1), Buffer.alloc(3000, 65), true)
  const there = encode(ofSegment, accepted(2), Buffer.alloc(3000, 66))
  const after = Buffer.concat([before, ...missing.buffers, ...there.buffers])
  writeFileSync(spool.segment, after.fill(0, before.length, before.length + 1024))
  const ids = [spool.small, spool.large, spool.last]
  for (const _start of ['first', 'next'])
    expect(await found(spool)).toEqual({ ids, told: ['recovered 3 swept 2'], setAside: [] })
})
