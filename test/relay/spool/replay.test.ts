/** What a spool opens with follows from the records in its journal, also where copies and DSNs come in another order. */
import { expect, test } from 'vitest'
import type { Envelope, RecipientState } from '../../../relay/mail/envelope.ts'
import { JournalSpool } from '../../../relay/spool/journal-spool.ts'
import { type Entry, encode, journalVersion } from '../../../relay/spool/record.ts'
import { newSegment } from '../../../relay/spool/segment.ts'
import { draft, messagesOf, pending } from './contents.ts'
import { LosingDisk } from './losing-disk.ts'
import { listening } from './samples.ts'

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

/** Opens a spool with this journal: the states of the recipients of each message. */
async function replayed(journal: readonly Entry[]) {
  const segment = newSegment(1, Buffer.alloc(8, 7))
  const opened: Entry = { kind: 'opened', version: journalVersion, ends: {} }
  const bytes = [opened, ...journal].flatMap((entry) => encode(segment.nonce, entry, contentIn(entry)).buffers)
  const { disk } = new LosingDisk(new Map([[`/spool/journal/${segment.name}`, Buffer.concat(bytes)]]))
  const { events } = listening()
  const spool = await JournalSpool.open({ directory: '/spool', events, now: Date.now, disk, closed: () => {} })
  const messages = await messagesOf(spool)
  expect(spool.bytes).toBe(3 * messages.length)
  await spool.close()
  return Object.fromEntries(messages.map((m) => [m.envelope.queueId, m.recipients.map((r) => r.state)]))
}

const contentIn = (entry: Entry) => ('envelope' in entry ? Buffer.from('abc') : undefined)

test.each<[string, readonly Entry[], Record<string, readonly string[]>]>([
  ['an accepted message is ours and untried', [accepted(original)], { [original]: ['pending', 'pending'] }],
  [
    'the last state counts',
    [
      accepted(original),
      state(original, pending(one), pending(two)),
      state(original, pending(one), done(two, 'bounced')),
    ],
    { [original]: ['pending', 'bounced'] },
  ],
  [
    'a message with nothing left to do is ended',
    [accepted(original), state(original, done(one, 'delivered'), done(two, 'bounced'))],
    {},
  ],
  ['a removed message is not ours', [accepted(original), { kind: 'removed', queueId: original }], {}],
  ['a void message never was ours', [accepted(original), { kind: 'void', queueId: original }], {}],
  ['a state of a message that is gone makes no message', [state(original, pending(one))], {}],
  [
    'a moved message keeps its state',
    [{ kind: 'moved', envelope: envelope(original), recipients: [done(one, 'delivered'), pending(two)] }],
    { [original]: ['delivered', 'pending'] },
  ],
  [
    'a message that was moved is there once, though its earlier records are still there',
    [
      accepted(original),
      state(original, done(one, 'delivered'), pending(two)),
      { kind: 'moved', envelope: envelope(original), recipients: [done(one, 'delivered'), pending(two)] },
    ],
    { [original]: ['delivered', 'pending'] },
  ],
  [
    'a DSN closes the recipients that it reports, and no others',
    [accepted(original), reporting(two)],
    { [original]: ['pending', 'bounced'], [dsn]: ['pending'] },
  ],
  [
    'a DSN that has left again has still reported',
    [accepted(original), reporting(two), { kind: 'removed', queueId: dsn }],
    { [original]: ['pending', 'bounced'] },
  ],
  [
    'a message that DSNs report as a whole is ended',
    [accepted(original), reporting(one, two), { kind: 'removed', queueId: dsn }],
    {},
  ],
  [
    'a DSN that was never ours has reported nothing',
    [accepted(original), reporting(one, two), { kind: 'void', queueId: dsn }],
    { [original]: ['pending', 'pending'] },
  ],
  [
    'a DSN takes back no delivery',
    [accepted(original), state(original, done(one, 'delivered'), pending(two)), reporting(one)],
    { [original]: ['delivered', 'pending'], [dsn]: ['pending'] },
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
  ['a DSN on a message that is gone is a message', [reporting(one)], { [dsn]: ['pending'] }],
])('%s', async (_what, journal, expected) => {
  expect(await replayed(journal)).toEqual(expected)
})

test('messages are in the order of acceptance, whatever was moved', async () => {
  const replay = [
    accepted(dsn, { acceptedAt: 5 }),
    accepted('cccccccccc', { acceptedAt: 9 }),
    accepted(original, { acceptedAt: 5 }),
  ]
  expect(Object.keys(await replayed(replay))).toEqual([original, dsn, 'cccccccccc'])
})
