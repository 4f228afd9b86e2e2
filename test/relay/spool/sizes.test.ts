/** What a record is reckoned to take before it is written is never less than what it takes, also where it begins a write. */
import { expect, test } from 'vitest'
import { queueIds } from '../../../relay/spool/queue-id.ts'
import { encode } from '../../../relay/spool/record.ts'
import { acceptanceBytes, removalBytes, stateBytes } from '../../../relay/spool/sizes.ts'
import { draft, pending } from './contents.ts'

const nonce = Buffer.alloc(8, 1)
const queueId = queueIds(Date.now)()
const recipientsOf = (count: number) =>
  Array.from({ length: count }, (_, n) => ({
    ...pending(`user${n}@customer.example`),
    state: 'delivered' as const,
    attempts: 999,
    emptyTurns: 999,
    nextAttemptAt: 1_900_000_000_000,
  }))

test('a removal', () => {
  expect(encode(nonce, { kind: 'removed', queueId }, undefined, true).bytes).toBeLessThanOrEqual(removalBytes)
})

test.each([1, 2, 50])('a state of %d recipients', (count) => {
  const recipients = recipientsOf(count)
  const { bytes } = encode(nonce, { kind: 'state', queueId, recipients }, undefined, true)
  expect(bytes).toBeLessThanOrEqual(stateBytes(recipients))
})

test.each([1, 2, 50])('a message to %d recipients', (count) => {
  const forwardPaths = recipientsOf(count).map(({ forwardPath }) => forwardPath)
  const envelope = { ...draft, queueId, bytes: 25_000_000, forwardPaths }
  const { bytes } = encode(nonce, { kind: 'accepted', envelope, file: { crc: 2 ** 32 - 1 } }, undefined, true)
  expect(bytes).toBeLessThanOrEqual(acceptanceBytes(envelope))
})
