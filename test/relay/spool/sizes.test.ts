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

/** Paths of which JSON has more octets than they have characters. */
const wide = [
  ['beyond ASCII', `${'用'.repeat(21)}@${'例'.repeat(60)}.example`],
  ['in quotes', `"${'\\\\'.repeat(31)}"@customer.example`],
] as const

test.each(wide)('a state of recipients %s', (_name, forwardPath) => {
  const recipients = recipientsOf(50).map((state) => ({ ...state, forwardPath }))
  const { bytes } = encode(nonce, { kind: 'state', queueId, recipients }, undefined, true)
  expect(bytes).toBeLessThanOrEqual(stateBytes(recipients))
})

test.each(wide)('a message to recipients %s, which the policy has redirected', (_name, path) => {
  const paths = Array.from({ length: 50 }, () => path)
  const envelope = { ...draft, queueId, bytes: 25_000_000, forwardPaths: paths, redirectedFrom: paths }
  const { bytes } = encode(nonce, { kind: 'accepted', envelope, file: { crc: 2 ** 32 - 1 } }, undefined, true)
  expect(bytes).toBeLessThanOrEqual(acceptanceBytes(envelope))
})

test('a report on fifty recipients', () => {
  const forwardPaths = recipientsOf(50).map(({ forwardPath }) => forwardPath)
  const envelope = { ...draft, queueId, bytes: 25_000_000, reversePath: '', reports: { queueId, forwardPaths } }
  const { bytes } = encode(nonce, { kind: 'accepted', envelope }, undefined, true)
  expect(bytes).toBeLessThanOrEqual(acceptanceBytes(envelope))
})

test('a message of which all that its client may say is as long as it may be', () => {
  const domain = `${'d'.repeat(63)}.`.repeat(3).concat('d'.repeat(61))
  const envelope = {
    ...draft,
    queueId,
    bytes: 25_000_000,
    credential: `${'n'.repeat(63)}/${'c'.repeat(253)}`,
    reversePath: `${'"\\'.repeat(32)}@${'e'.repeat(60)}`,
    fromDomain: domain,
    signingDomain: domain,
    client: { address: '2001:db8:1111:2222:3333:4444:5555:6666', helo: '"'.repeat(255), tls: 'TLSv1.3' },
  }
  const { bytes } = encode(nonce, { kind: 'accepted', envelope, file: { crc: 2 ** 32 - 1 } }, undefined, true)
  expect(bytes).toBeLessThanOrEqual(acceptanceBytes(envelope))
})

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
