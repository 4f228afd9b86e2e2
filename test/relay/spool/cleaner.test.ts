/** Segments with much dead mail are copied and deleted, by which no mail is lost, and none that left comes back. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { worthCopying } from '../../../relay/spool/cleaner.ts'
import { nodeDisk } from '../../../relay/spool/disk.ts'
import { JournalSpool } from '../../../relay/spool/journal-spool.ts'
import { newSegment } from '../../../relay/spool/segment.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { accept, contentOf, messagesOf, pending } from './contents.ts'
import { FailingDisk } from './failing-disk.ts'
import { listening, octets } from './samples.ts'

const segment = (bytes: number, liveBytes: number) => ({ ...newSegment(1, Buffer.alloc(8)), bytes, liveBytes })

test.each([
  ['dead octets of four segments may stay', [segment(400, 0)], false, false],
  ['more dead octets than those of four segments are not kept', [segment(401, 0)], false, true],
  ['as many dead octets as live ones may stay', [segment(500, 500), segment(500, 0)], false, false],
  ['more dead octets than live ones are not kept', [segment(500, 499), segment(500, 0)], false, true],
  ['on a full disk dead octets of one segment may stay', [segment(900, 800)], true, false],
  ['on a full disk more dead octets than those of one segment are not kept', [segment(900, 799)], true, true],
])('%s', (_what, segments, short, expected) => {
  expect(worthCopying(segments, 100, short)).toBe(expected)
})

const MiB = 1024 * 1024

/** A spool that believes in a small volume, so that its segments have 64 KiB, and in more room than a test can fill. */
async function small(directory: string, real = nodeDisk) {
  const told = listening()
  const disk = { ...real, space: async () => ({ free: 64 * MiB, total: 4 * MiB }) }
  for (const folder of ['journal', 'large', 'quarantine']) await disk.makeDirectory(join(directory, folder))
  const parts = { directory, events: told.events, now: Date.now, disk, tryAgainMs: 20 }
  const spool = await JournalSpool.open({ ...parts, closed: () => {} })
  return { spool, told }
}
const journalBytes = (directory: string): number =>
  readdirSync(join(directory, 'journal')).reduce(
    (sum, name) => sum + statSync(join(directory, 'journal', name)).size,
    0,
  )

test('mail that stays is copied, with its state, out of segments whose other mail has left, and nothing that left comes back', async () => {
  const directory = temporaryFolder()
  const { spool } = await small(directory)
  const kept = new Map<string, Buffer>()
  for (let n = 0; n < 1500; n += 1) {
    const content = contentOf(n, 4000)
    const { queueId, forwardPaths } = (await accept(spool, content)).envelope
    if (n % 100 === 0) {
      kept.set(queueId, content)
      await spool.record(
        queueId,
        forwardPaths.map((p, i) => ({ ...pending(p), attempts: i + n })),
      )
    } else await spool.remove(queueId)
  }
  // 6 MB went through; 15 messages stayed: 4 dead segments, the one that is written, and as much again in copies.
  await until('the dead segments are deleted', () => journalBytes(directory) < 0.5 * MiB)
  await spool.close()
  const { spool: again } = await small(directory)
  const found = new Map((await messagesOf(again)).map((m) => [m.envelope.queueId, m.recipients.map((r) => r.attempts)]))
  expect([...found]).toEqual([...kept.keys()].map((id, i) => [id, [100 * i, 100 * i + 1]]))
  for (const [id, content] of kept) expect((await octets(again.content(id))).equals(content)).toBe(true)
  await again.close()
})

test('a message whose removal the disk refused is copied as all others that stay', async () => {
  const directory = temporaryFolder()
  const failing = new FailingDisk()
  const { spool } = await small(directory, failing.disk)
  onTestFinished(() => spool.close())
  const [first = ''] = readdirSync(join(directory, 'journal'))
  const { queueId } = (await accept(spool, contentOf(1, 4000))).envelope
  failing.failing.set('sync journal', 'EIO')
  await expect(spool.remove(queueId)).rejects.toThrow('EIO')
  failing.failing.clear()
  await until('the spool takes mail again', () => spool.fault === undefined)
  for (let n = 0; n < 300; n += 1) await spool.remove((await accept(spool, contentOf(n, 4000))).envelope.queueId)
  await until('its segment is deleted', () => !readdirSync(join(directory, 'journal')).includes(first))
  expect(await octets(spool.content(queueId))).toEqual(contentOf(1, 4000))
})

test('a dead segment that the disk did not delete goes when it does, though no new segment can be written (case S14)', async () => {
  const directory = temporaryFolder()
  const failing = new FailingDisk()
  const { spool } = await small(directory, failing.disk)
  onTestFinished(() => spool.close())
  const [first = ''] = readdirSync(join(directory, 'journal'))
  const isThere = () => readdirSync(join(directory, 'journal')).includes(first)
  failing.failing.set('unlink journal', 'EIO')
  const ids = await Promise.all(Array.from({ length: 40 }, (_, n) => accept(spool, contentOf(n, 4000))))
  await Promise.all(ids.map((m) => spool.remove(m.envelope.queueId)))
  failing.failing.set('write journal', 'ENOSPC').set('create journal', 'ENOSPC')
  await expect(accept(spool, contentOf(1, 10))).rejects.toThrow('ENOSPC')
  expect(isThere()).toBe(true)
  failing.failing.delete('unlink journal')
  await until('it is deleted', () => !isThere())
  expect(spool.isFull).toBe(true)
})

test('an empty queue keeps no segment but the one that is written', async () => {
  const directory = temporaryFolder()
  const { spool } = await small(directory)
  const ids = await Promise.all(Array.from({ length: 100 }, (_, n) => accept(spool, contentOf(n, 4000))))
  await Promise.all(ids.map((m) => spool.remove(m.envelope.queueId)))
  await until('the rest is deleted', () => readdirSync(join(directory, 'journal')).length === 1)
  await spool.close()
})

test('content is read as it is while its segment is copied and deleted', async () => {
  const directory = temporaryFolder()
  const first = await small(directory)
  const content = contentOf(1, 5000)
  const { queueId } = (await accept(first.spool, content)).envelope
  await first.spool.close()
  const { spool } = await small(directory)
  let reads = 0
  let reading = true
  const reader = (async () => {
    for (; reading; reads += 1) expect((await octets(spool.content(queueId))).equals(content)).toBe(true)
  })()
  for (let n = 0; n < 400; n += 1) await spool.remove((await accept(spool, contentOf(n, 4000))).envelope.queueId)
  reading = false
  await reader
  expect(reads).toBeGreaterThan(10)
  expect(readdirSync(join(directory, 'journal')).some((name) => name.startsWith('0000000001'))).toBe(false)
  await spool.close()
})

test('when a copy can not be written, others are not left under way: a spool that is closed reads no more', async () => {
  const directory = temporaryFolder()
  for (const folder of ['journal', 'large', 'quarantine']) await nodeDisk.makeDirectory(join(directory, folder))
  const failing = new FailingDisk()
  const { promise: held, resolve: goOn } = Promise.withResolvers<void>()
  const reads = { begun: 0, ended: 0 }
  const open: typeof failing.disk.open = async (path) => {
    const file = await failing.disk.open(path)
    const read: typeof file.read = async (into, at) => {
      reads.begun += 1
      // The second read takes its time, and what the first one has read can not be written.
      if (reads.begun === 2) {
        failing.failing.set('sync', 'EIO')
        await held
      }
      const got = await file.read(into, at)
      reads.ended += 1
      return got
    }
    return { ...file, read }
  }
  let readsAtTheEnd: typeof reads | undefined
  const spool = await JournalSpool.open({
    directory,
    events: listening().events,
    now: Date.now,
    disk: { ...failing.disk, open },
    segmentBytes: 1000,
    closed: () => {
      readsAtTheEnd = { ...reads }
    },
  })
  for (const n of [1, 2]) await accept(spool, contentOf(n, 300))
  const pass = async (n: number) => spool.remove((await accept(spool, contentOf(n, 900))).envelope.queueId)
  for (let n = 0; reads.begun < 2; n += 1) await pass(n).catch(() => {})
  await until('a copy has failed', () => spool.fault !== undefined)
  const closed = spool.close()
  for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  goOn()
  await closed
  expect(readsAtTheEnd).toEqual({ begun: 2, ended: 2 })
})

test('a segment that the disk does not delete is told once, keeps those that are newer, and goes when it may', async () => {
  const directory = temporaryFolder()
  const failing = new FailingDisk()
  const told = listening()
  for (const folder of ['journal', 'large', 'quarantine']) await nodeDisk.makeDirectory(join(directory, folder))
  const parts = { directory, events: told.events, now: Date.now, disk: failing.disk, closed: () => {} }
  const spool = await JournalSpool.open({ ...parts, segmentBytes: 64 * 1024 })
  failing.failing.set('unlink journal', 'EPERM')
  const segments = () => readdirSync(join(directory, 'journal')).length
  const pass = async () => spool.remove((await accept(spool, contentOf(1, 4000))).envelope.queueId)
  while (segments() < 12) await pass()
  expect(told.lines.filter((line) => line.startsWith('not deleted'))).toEqual([
    expect.stringMatching(/^not deleted .*journal.0000000001-.*: EPERM/),
  ])
  failing.failing.clear()
  await pass()
  await until('the dead segments are deleted', () => segments() < 8)
  await spool.close()
})
