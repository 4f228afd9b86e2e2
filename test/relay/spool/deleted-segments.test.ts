/** That somebody has deleted the oldest segments is told where mail was in them; that we have, since nothing was, never is. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { nodeDisk } from '../../../relay/spool/disk.ts'
import { JournalSpool } from '../../../relay/spool/journal-spool.ts'
import { encode } from '../../../relay/spool/record.ts'
import { seededRandom } from '../../local/seeded-random.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { accept, contentOf, draft, messagesOf, pending } from './contents.ts'
import { FailingDisk } from './failing-disk.ts'
import { LosingDisk } from './losing-disk.ts'
import { listening, octets } from './samples.ts'
import { broken, type Line, live } from './scenario.ts'

const segmentBytes = 64 * 1024

async function open(directory: string, disk = nodeDisk) {
  for (const folder of ['journal', 'large', 'quarantine']) await nodeDisk.makeDirectory(join(directory, folder))
  const told = listening()
  const parts = { directory, events: told.events, now: Date.now, disk, segmentBytes, tryAgainMs: 60_000 }
  const spool = await JournalSpool.open({ ...parts, closed: () => {} })
  const troubles = told.lines.map((line) => line.replace(directory, '')).filter((line) => /^[qf]/.test(line))
  return { spool, troubles }
}

type Spool = Awaited<ReturnType<typeof open>>['spool']

const segments = (directory: string) => readdirSync(join(directory, 'journal')).toSorted()

/** Accepts and removes messages until a new segment has been begun. */
async function fillSegment(spool: Spool, directory: string): Promise<void> {
  const newest = segments(directory).at(-1)
  while (segments(directory).at(-1) === newest)
    await spool.remove((await accept(spool, contentOf(1, 20_000))).envelope.queueId)
}

const ids = async (spool: Spool) => (await messagesOf(spool)).map(({ envelope }) => envelope.queueId)

/** A message in each of three segments, and one of large content in the second. */
async function filled() {
  const directory = temporaryFolder()
  const { spool } = await open(directory)
  await accept(spool, contentOf(1, 30), { queueId: 'first00000' })
  await fillSegment(spool, directory)
  await accept(spool, contentOf(2, 30), { queueId: 'second0000' })
  await accept(spool, contentOf(3, 140_000), { queueId: 'large00000' })
  await fillSegment(spool, directory)
  await accept(spool, contentOf(4, 30), { queueId: 'third00000' })
  await spool.close()
  const [first = '', second = '', third = ''] = segments(directory)
  return { directory, first, second, third }
}

test.each([
  [1, '1 message that was ours', ['large00000', 'second0000', 'third00000'], []],
  [2, '3 messages that were ours', ['third00000'], ['quarantined /large/large00000.eml: no record names it']],
])('that the oldest %i segments are gone, with mail in them, is told once, and large content that only they could name is kept (case S12)', async (deleted, what, left, also) => {
  const { directory, first, second } = await filled()
  for (const name of [first, second].slice(0, deleted)) rmSync(join(directory, 'journal', name))
  const last = deleted === 1 ? first : second
  const { spool, troubles } = await open(directory)
  expect((await ids(spool)).toSorted()).toEqual(left)
  expect(troubles).toEqual([
    `quarantined /journal/${last}: is gone, or one before it, and with it ${what}`,
    ...also.map((line) => expect.stringContaining(line)),
  ])
  await spool.close()
  const again = await open(directory)
  expect(again.troubles).toEqual([])
  await again.spool.close()
})

test('that the oldest segment is gone is told also where some of its mail has left since', async () => {
  const { directory, first, third } = await filled()
  const { spool } = await open(directory)
  await accept(spool, contentOf(5, 30), { queueId: 'fourth0000' })
  for (const id of ['second0000', 'third00000', 'large00000']) await spool.remove(id)
  await spool.close()
  rmSync(join(directory, 'journal', first))
  const again = await open(directory)
  expect(segments(directory)).toContain(third)
  expect(again.troubles).toEqual([expect.stringContaining('is gone, or one before it, and with it 1 message')])
  await again.spool.close()
})

/** A spool whose start has ended a message that was reported as a whole. */
async function reportedOn() {
  const { directory, first } = await filled()
  const { spool } = await open(directory)
  const reports = { queueId: 'second0000', forwardPaths: draft.forwardPaths }
  await accept(spool, contentOf(6, 30), { queueId: 'dsn0000000', draft: { reports } })
  await spool.close()
  const second = await open(directory)
  expect(second.spool.has('second0000')).toBe(false)
  return { directory, first, second }
}

test('that the oldest segment is gone is told also where the start before had ended a message that was reported as a whole', async () => {
  const { directory, first, second } = await reportedOn()
  await second.spool.close()
  rmSync(join(directory, 'journal', first))
  const again = await open(directory)
  expect(again.troubles).toEqual([expect.stringContaining('is gone, or one before it, and with it 1 message')])
  await again.spool.close()
})

test('of an oldest segment that we deleted nothing is told, also where a start had ended a message that was reported as a whole', async () => {
  const { directory, first, second } = await reportedOn()
  await fillSegment(second.spool, directory)
  await second.spool.remove('first00000')
  await until('its segment is given back', () => !segments(directory).includes(first))
  await second.spool.close()
  const again = await open(directory)
  expect(again.troubles).toEqual([])
  await again.spool.close()
})

test('that the oldest segment is gone is told also where a recipient of its message was reported on, and another one waits', async () => {
  const { directory, first } = await filled()
  const { spool } = await open(directory)
  const [one = '', two = ''] = draft.forwardPaths
  const reports = { queueId: 'first00000', forwardPaths: [one] }
  await accept(spool, contentOf(6, 30), { queueId: 'dsn0000000', draft: { reports } })
  await spool.record('first00000', [{ ...pending(one), state: 'bounced' }, pending(two)])
  await spool.close()
  rmSync(join(directory, 'journal', first))
  const again = await open(directory)
  expect(again.troubles).toEqual([expect.stringContaining('is gone, or one before it, and with it 1 message')])
  await again.spool.close()
})

test('of a journal of an earlier version, which counts no messages, nothing is told where the oldest segment is gone', async () => {
  const nonce = Buffer.alloc(8, 7)
  const gone = `0000000001-${'01'.repeat(8)}.log`
  const { buffers } = encode(nonce, { kind: 'opened', version: 1, ends: { [gone]: 100 } }, undefined, true)
  const name = `/spool/journal/0000000002-${nonce.toString('hex')}.log`
  const { disk } = new LosingDisk(new Map([[name, Buffer.concat(buffers)]]))
  const { events, lines } = listening()
  const spool = await JournalSpool.open({ directory: '/spool', events, now: Date.now, disk, closed: () => {} })
  expect(lines).toEqual(['recovered 0 swept 0'])
  await spool.close()
})

const bounced = draft.forwardPaths.map((path) => ({ ...pending(path), state: 'bounced' as const }))

test.each<[string, (spool: Spool, directory: string) => Promise<void>]>([
  ['it is done', async (spool) => spool.record('first00000', bounced)],
  [
    'it was done before the newest segment was begun',
    async (spool, directory) => {
      await spool.record('first00000', bounced)
      await fillSegment(spool, directory)
    },
  ],
  [
    'it is reported as a whole',
    async (spool) => {
      const reports = { queueId: 'first00000', forwardPaths: draft.forwardPaths }
      await accept(spool, contentOf(6, 30), { queueId: 'dsn0000000', draft: { reports } })
    },
  ],
])('a start that can not write gives back the segment of a message, since %s; a kill then, and the next start tells of no loss', async (_why, end) => {
  const directory = temporaryFolder()
  const { spool } = await open(directory)
  await accept(spool, contentOf(1, 30), { queueId: 'first00000' })
  await fillSegment(spool, directory)
  const [first = ''] = segments(directory)
  await end(spool, directory)
  await accept(spool, contentOf(7, 30), { queueId: 'stays00000' })
  await spool.close()
  const failing = new FailingDisk()
  failing.failing.set('create journal', 'ENOSPC')
  const second = await open(directory, failing.disk)
  await until('its segment is given back', () => !existsSync(join(directory, 'journal', first)))
  await second.spool.close()
  const third = await open(directory)
  expect(third.troubles).toEqual([])
  expect([third.spool.has('first00000'), third.spool.has('stays00000')]).toEqual([false, true])
  await third.spool.close()
})

test('a segment that was set aside while the relay worked, since a message in it was damaged, is not told as gone by the next start', async () => {
  const { directory, first } = await filled()
  const { spool } = await open(directory)
  const path = join(directory, 'journal', first)
  const bytes = readFileSync(path)
  bytes.write('!', bytes.indexOf(contentOf(1, 30)) + 5)
  writeFileSync(path, bytes)
  await expect(octets(spool.content('first00000'))).rejects.toThrow('damaged')
  await until('the segment is set aside', () => existsSync(join(directory, 'quarantine', first)))
  await spool.close()
  const again = await open(directory)
  expect(again.troubles).toEqual([])
  await again.spool.close()
})

const seed = Number(process.env['RELAYFLEET_SEED'] ?? 20_261_201)

test('in whatever state a loss of power leaves the spool: where its oldest segment is then deleted and mail is lost by that, it is told (case S12)', async () => {
  const losing = new LosingDisk()
  const parts = { directory: '/spool', now: Date.now, closed: () => {} }
  const said: { readonly line: Line; readonly deeds: number }[] = []
  const living = await JournalSpool.open({ ...parts, disk: losing.disk, events: listening().events })
  await live(living, (line) => said.push({ line, deeds: losing.deeds.length }))
  await living.close()
  const dice = seededRandom(seed)
  const counts = { lost: 0, kept: 0 }
  for (let deeds = 0; deeds <= losing.deeds.length; deeds += 1) {
    const lines = said.filter((s) => s.deeds <= deeds).map((s) => s.line)
    const files = new Map(losing.after(deeds, { data: 'some', names: 'some', dice }))
    const [oldest = '', second] = [...files.keys()].filter((path) => /journal.*\.log$/.test(path)).toSorted()
    if (second === undefined) continue
    files.delete(oldest)
    const { events, lines: told } = listening()
    const spool = await JournalSpool.open({ ...parts, disk: new LosingDisk(files).disk, events })
    const isLost = (await broken(spool, lines)).some((what) => what.endsWith('acknowledged and is lost'))
    const isTold = told.some((line) => line.startsWith('quarantined'))
    if (isLost) expect(isTold, `seed ${seed}, after deed ${deeds}: ${told.join()}`).toBe(true)
    counts[isLost ? 'lost' : 'kept'] += 1
    await spool.close()
  }
  expect(Math.min(counts.lost, counts.kept)).toBeGreaterThan(5)
})
