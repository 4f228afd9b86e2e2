/** A recipient whom a DSN has reported stays reported when the DSN has left, also where the message's own newest record is behind it. */
import { expect, test } from 'vitest'
import { JournalSpool } from '../../../relay/spool/journal-spool.ts'
import { type Entry, encode } from '../../../relay/spool/record.ts'
import { newSegment } from '../../../relay/spool/segment.ts'
import { until } from '../../local/until.ts'
import { contentOf, draft, messagesOf, pending } from './contents.ts'
import { LosingDisk } from './losing-disk.ts'
import { listening } from './samples.ts'

const open = ({ disk }: LosingDisk) =>
  JournalSpool.open({ directory: '/spool', events: listening().events, now: Date.now, disk, closed: () => {} })

const [first, second] = [newSegment(1, Buffer.alloc(8, 1)), newSegment(2, Buffer.alloc(8, 2))]
const content = contentOf(1, 1500)
const envelope = { ...draft, queueId: 'kept000000', bytes: content.length }
const [forwardPath = ''] = envelope.forwardPaths
const reports = { queueId: envelope.queueId, forwardPaths: [forwardPath] }
const dsn = { ...draft, queueId: 'dsn0000000', bytes: content.length, reversePath: '', reports }
const recipients = envelope.forwardPaths.map(pending)

const segmentOf = ({ name, nonce }: typeof first, entries: readonly (readonly [Entry, Buffer?])[]) =>
  [
    `/spool/journal/${name}`,
    Buffer.concat(entries.flatMap(([entry, content], n) => encode(nonce, entry, content, n === 0).buffers)),
  ] as const

// The copy was under way when the DSN was not durable yet, and is in the next segment: what it says was true before.
test('where a copy that still has a recipient as pending is behind the DSN on it, no later start makes a second DSN (case S25)', async () => {
  const before = segmentOf(first, [
    [{ kind: 'opened', version: 1, ends: {} }],
    [{ kind: 'accepted', envelope }, content],
    [{ kind: 'accepted', envelope: dsn }, content],
  ])
  const behind = segmentOf(second, [
    [{ kind: 'opened', version: 1, ends: { [first.name]: before[1].length } }],
    [{ kind: 'moved', envelope, recipients }, content],
  ])
  const losing = new LosingDisk(new Map([before, behind]))
  const states = async (spool: JournalSpool) =>
    (await messagesOf(spool)).map(({ envelope, recipients }) => [envelope.queueId, ...recipients.map((r) => r.state)])
  const spool = await open(losing)
  expect(await states(spool)).toContainEqual([envelope.queueId, 'bounced', 'pending'])
  await spool.remove(dsn.queueId)
  await until('the segment with the DSN is gone', () => !losing.paths.includes(before[0]))
  await spool.close()
  const again = await open(losing)
  expect(await states(again)).toEqual([[envelope.queueId, 'bounced', 'pending']])
  await again.close()
})
