/** The ends of TLS records are found, whatever the pieces in which their octets come. */
import { expect, test } from 'vitest'
import { TlsRecords } from '../../relay/tls-records.ts'

const record = (length: number): Buffer =>
  Buffer.concat([Buffer.from([23, 3, 3, length >> 8, length & 255]), Buffer.alloc(length)])
const sent = Buffer.concat([22, 0, 1, 300, 16_640].map(record))

/** The numbers of octets after which a record was over. */
function endsIn(pieceBytes: number): readonly number[] {
  const records = new TlsRecords()
  const ends: number[] = []
  let at = 0
  while (at < sent.length) {
    at += records.take(sent.subarray(at, Math.min(sent.length, at - (at % pieceBytes) + pieceBytes)))
    if (records.isOver) ends.push(at)
  }
  return ends
}

test.each([
  1, 2, 3, 5, 7, 64, 1000, 65_536,
])('the end of each TLS record is found in pieces of %d octets', (pieceBytes) => {
  expect(endsIn(pieceBytes)).toEqual([27, 32, 38, 343, 16_988])
})

test('before its first octet, and within its head, a TLS record is not over', () => {
  const records = new TlsRecords()
  expect([records.isOver, records.take(sent.subarray(0, 4)), records.isOver]).toEqual([false, 4, false])
})
