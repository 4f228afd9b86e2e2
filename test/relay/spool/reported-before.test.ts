/** A recipient whom a DSN has reported stays reported when the DSN has left, also where the message's own newest record is behind it. */
import { expect, test } from 'vitest'
import type { RecipientState } from '../../../relay/mail/envelope.ts'
import { JournalSpool } from '../../../relay/spool/journal-spool.ts'
import { type Entry, encode } from '../../../relay/spool/record.ts'
import { newSegment } from '../../../relay/spool/segment.ts'
import { until } from '../../local/until.ts'
import { contentOf, draft, messagesOf, pending } from './contents.ts'
import { LosingDisk } from './losing-disk.ts'
import { listening } from './samples.ts'

async function open({ disk }: LosingDisk) {
  const told = listening()
  const parts = { directory: '/spool', events: told.events, now: Date.now, disk, closed: () => {} }
  return { told, spool: await JournalSpool.open(parts) }
}
const states = async (spool: JournalSpool) =>
  (await messagesOf(spool)).map(({ envelope, recipients }) => [envelope.queueId, ...recipients.map((r) => r.state)])

const [first, second] = [newSegment(1, Buffer.alloc(8, 1)), newSegment(2, Buffer.alloc(8, 2))]
const content = contentOf(1, 1500)
const envelope = { ...draft, queueId: 'kept000000', bytes: content.length }
const [forwardPath = ''] = envelope.forwardPaths
const reports = { queueId: envelope.queueId, forwardPaths: [forwardPath] }
const dsn = { ...draft, queueId: 'dsn0000000', bytes: content.length, reversePath: '', reports }

const segmentOf = ({ name, nonce }: typeof first, entries: readonly (readonly [Entry, Buffer?])[]) =>
  [
    `/spool/journal/${name}`,
    Buffer.concat(entries.flatMap(([entry, content], n) => encode(nonce, entry, content, n === 0).buffers)),
  ] as const

/** The segment with the message and the DSN on it, and the next one with a copy of the message that still has the recipients as pending. */
function copyBehind(recipients: readonly RecipientState[], ...others: (readonly [Entry, Buffer?])[]) {
  const forwardPaths = recipients.map((r) => r.forwardPath)
  const original = { ...envelope, forwardPaths }
  const before = segmentOf(first, [
    [{ kind: 'opened', version: 1, ends: {} }],
    [{ kind: 'accepted', envelope: original }, content],
    [{ kind: 'accepted', envelope: dsn }, content],
  ])
  const behind = segmentOf(second, [
    [{ kind: 'opened', version: 1, ends: { [first.name]: before[1].length } }],
    [{ kind: 'moved', envelope: original, recipients }, content],
    ...others,
  ])
  return { losing: new LosingDisk(new Map([before, behind])), before: before[0], behind: behind[0] }
}

// The copy was under way when the DSN was not durable yet, and is in the next segment: what it says was true before.
test('where a copy that still has a recipient as pending is behind the DSN on it, no later start makes a second DSN (case S25)', async () => {
  const { losing, before } = copyBehind(envelope.forwardPaths.map(pending))
  const { spool } = await open(losing)
  expect(await states(spool)).toContainEqual([envelope.queueId, 'bounced', 'pending'])
  await spool.remove(dsn.queueId)
  await until('the segment with the DSN is gone', () => !losing.paths.includes(before))
  await spool.close()
  const again = await open(losing)
  expect(await states(again.spool)).toEqual([[envelope.queueId, 'bounced', 'pending']])
  await again.spool.close()
})

test('a message that is ended by a DSN before its copy hides no other one whose segment is gone (case S12)', async () => {
  const other: Entry = { kind: 'accepted', envelope: { ...envelope, queueId: 'lost000000' } }
  const { losing, before, behind } = copyBehind([pending(forwardPath)], [other, content])
  const { spool } = await open(losing)
  expect((await states(spool)).map(([id]) => id).toSorted()).toEqual([dsn.queueId, 'lost000000'])
  await spool.close()
  for (const path of [before, behind]) await losing.disk.unlink(path).catch(() => undefined)
  const { told, spool: again } = await open(losing)
  expect(told.lines.filter((line) => line.startsWith('quarantined'))).toEqual([
    expect.stringContaining('is gone, or one before it, and with it 2 messages that were ours'),
  ])
  await again.close()
})
