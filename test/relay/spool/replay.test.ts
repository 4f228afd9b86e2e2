import { expect, test } from 'vitest'
import type { Envelope, RecipientState } from '../../../relay/mail/envelope.ts'
import type { Entry } from '../../../relay/spool/record.ts'
import { Replay } from '../../../relay/spool/replay.ts'
import { newSegment } from '../../../relay/spool/segment.ts'
import { draft, pending } from './contents.ts'

const original = 'aaaaaaaaaa'
const dsn = 'bbbbbbbbbb'
const [one, two] = draft.forwardPaths as [string, string]
const envelope = (queueId: string, more: Partial<Envelope> = {}): Envelope => ({ ...draft, queueId, bytes: 3, ...more })
const done = (forwardPath: string, state: 'delivered' | 'bounced'): RecipientState => ({
  ...pending(forwardPath),
  state,
})
const accepted = (queueId: string, more?: Partial<Envelope>): Entry => ({
  kind: 'accepted',
  envelope: envelope(queueId, more),
})
const state = (queueId: string, ...recipients: RecipientState[]): Entry => ({ kind: 'state', queueId, recipients })
const reporting = (...forwardPaths: string[]): Entry =>
  accepted(dsn, { reversePath: '', forwardPaths: ['app@corp.example'], reports: { queueId: original, forwardPaths } })

function replayed(journal: readonly Entry[]) {
  const replay = new Replay()
  const segment = newSegment(1, Buffer.alloc(8))
  for (const [at, entry] of journal.entries()) {
    replay.apply(segment, { kind: 'record', entry, at, end: at + 1, content: { offset: at, length: 0, crc: 0 } })
  }
  const messages = replay.messages()
  expect(segment.liveBytes).toBe(messages.length)
  return Object.fromEntries(
    messages.map(({ message }) => [message.envelope.queueId, message.recipients.map((r) => r.state)]),
  )
}

test.each<[string, readonly Entry[], Record<string, readonly string[]>]>([
  ['an accepted message is ours and untried', [accepted(original)], { [original]: ['pending', 'pending'] }],
  [
    'the last state counts',
    [
      accepted(original),
      state(original, done(one, 'delivered'), pending(two)),
      state(original, done(one, 'delivered'), done(two, 'bounced')),
    ],
    { [original]: ['delivered', 'bounced'] },
  ],
  ['a removed message is not ours', [accepted(original), { kind: 'removed', queueId: original }], {}],
  ['a void message never was ours', [accepted(original), { kind: 'void', queueId: original }], {}],
  ['a state of a message that is gone makes nothing', [state(original, pending(one))], {}],
  [
    'a moved message keeps its state',
    [{ kind: 'moved', envelope: envelope(original), recipients: [done(one, 'delivered'), pending(two)] }],
    { [original]: ['delivered', 'pending'] },
  ],
  [
    'the record that was moved counts, whichever copies are still there',
    [
      accepted(original),
      state(original, done(one, 'delivered'), pending(two)),
      { kind: 'moved', envelope: envelope(original), recipients: [done(one, 'delivered'), pending(two)] },
    ],
    { [original]: ['delivered', 'pending'] },
  ],
  [
    'a DSN closes what it reports, and only that',
    [accepted(original), reporting(two)],
    { [original]: ['pending', 'bounced'], [dsn]: ['pending'] },
  ],
  [
    'a DSN that has left again has still reported',
    [accepted(original), reporting(one, two), { kind: 'removed', queueId: dsn }],
    { [original]: ['bounced', 'bounced'] },
  ],
  [
    'a DSN that was never ours has reported nothing',
    [accepted(original), reporting(one, two), { kind: 'void', queueId: dsn }],
    { [original]: ['pending', 'pending'] },
  ],
  [
    'a DSN takes back no delivery',
    [accepted(original), state(original, done(one, 'delivered'), pending(two)), reporting(one, two)],
    { [original]: ['delivered', 'bounced'], [dsn]: ['pending'] },
  ],
  [
    'a DSN closes its original also when that was moved behind it with an older state',
    [
      accepted(original),
      reporting(two),
      { kind: 'moved', envelope: envelope(original), recipients: [pending(one), pending(two)] },
    ],
    { [original]: ['pending', 'bounced'], [dsn]: ['pending'] },
  ],
  ['a DSN for a message that is gone is a message', [reporting(one)], { [dsn]: ['pending'] }],
])('%s', (_what, journal, expected) => {
  expect(replayed(journal)).toEqual(expected)
})

test('messages are in the order of acceptance, whatever was moved', () => {
  const replay = [
    accepted(dsn, { acceptedAt: 5 }),
    accepted('cccccccccc', { acceptedAt: 9 }),
    accepted(original, { acceptedAt: 5 }),
  ]
  expect(Object.keys(replayed(replay))).toEqual([original, dsn, 'cccccccccc'])
})
