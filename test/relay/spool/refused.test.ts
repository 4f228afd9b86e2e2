/** What a failing disk was refused: it does not come back at any later start, is made anew where it is asked for again, and leaves nothing. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Disk } from '../../../relay/spool/disk.ts'
import { smallBytes } from '../../../relay/spool/incoming.ts'
import { Journal } from '../../../relay/spool/journal.ts'
import { pathsOf } from '../../../relay/spool/paths.ts'
import { SpoolError } from '../../../relay/spool/spool.ts'
import { until } from '../../local/until.ts'
import { liveBytes } from '../live-memory.ts'
import { accept, contentOf, draft, messagesOf } from './contents.ts'
import { ids, mended, opened } from './failing-spool.ts'
import { octets } from './samples.ts'

test('a record that a failed fdatasync left in a segment, and that could not be cut off, does not count at the next start (case S16)', async () => {
  const { spool, failing, directory } = await opened()
  const { queueId } = (await accept(spool, contentOf(1, 10))).envelope
  failing.failing.set('sync journal', 'EIO').set('truncate journal', 'EIO')
  await expect(spool.remove(queueId)).rejects.toThrow('EIO')
  failing.failing.clear()
  await mended(spool)
  await spool.close()
  expect(await ids((await opened(directory)).spool)).toEqual([queueId])
})

test('a DSN that was refused, and whose content is gone, reports nothing at any later start, although a kill left its record whole on the disk (case S25)', async () => {
  const { spool, failing, directory } = await opened()
  const { queueId, forwardPaths } = (await accept(spool, contentOf(1, 10))).envelope
  failing.failing.set('sync journal', 'EIO').set('truncate journal', 'EIO').set('create journal', 'EIO')
  const reports = { reversePath: '', reports: { queueId, forwardPaths } }
  const refused = accept(spool, contentOf(2, smallBytes + 1), { queueId: 'dsn0000000', draft: reports })
  await expect(refused).rejects.toThrow('EIO')
  for (const _start of ['the first', 'the next']) {
    const { spool: again } = await opened(directory)
    const states = (await messagesOf(again)).map((m) => [m.envelope.queueId, m.recipients.map((r) => r.state)])
    expect(states).toEqual([[queueId, ['pending', 'pending']]])
    await again.close()
  }
})

test('a message that was refused does not come back, although its record is whole on the disk', async () => {
  const { spool, failing, directory } = await opened()
  failing.failing.set('sync journal', 'EIO').set('truncate', 'EIO')
  await expect(accept(spool, contentOf(1, 10), { queueId: 'refused000' })).rejects.toThrow('EIO')
  failing.failing.clear()
  await mended(spool)
  await spool.close()
  const again = await opened(directory)
  expect(await messagesOf(again.spool)).toEqual([])
})

test('a DSN that was refused and made again is ours for good: no later segment takes it back (case S16)', async () => {
  const { spool, failing, directory } = await opened()
  const dsn = { queueId: 'dsn0000000', draft: { reversePath: '', forwardPaths: [draft.reversePath] } }
  failing.failing.set('sync journal', 'EIO')
  await expect(accept(spool, contentOf(1, 10), dsn)).rejects.toThrow('EIO')
  failing.failing.clear()
  await mended(spool)
  await accept(spool, contentOf(1, 10), dsn)
  failing.failing.set('sync journal', 'EIO')
  await expect(accept(spool, contentOf(2, 10))).rejects.toThrow('EIO')
  failing.failing.clear()
  await mended(spool)
  await spool.close()
  expect(await ids((await opened(directory)).spool)).toEqual([dsn.queueId])
})

test('a DSN that was refused and made again is there once, and its original is ended', async () => {
  const { spool, failing, directory } = await opened()
  const { queueId, forwardPaths } = (await accept(spool, contentOf(1, 10))).envelope
  const dsn = {
    queueId: 'dsn0000000',
    draft: { reversePath: '', forwardPaths: [draft.reversePath], reports: { queueId, forwardPaths } },
  }
  failing.failing.set('sync journal', 'EIO').set('truncate', 'EIO')
  await expect(accept(spool, contentOf(2, 10), dsn)).rejects.toThrow('EIO')
  expect((await messagesOf(spool)).map((m) => m.recipients.map((r) => r.state))).toEqual([['pending', 'pending']])
  failing.failing.clear()
  await mended(spool)
  await spool.close()

  const again = await opened(directory)
  expect((await messagesOf(again.spool)).map((m) => m.recipients.map((r) => r.state))).toEqual([['pending', 'pending']])
  await accept(again.spool, contentOf(2, 10), dsn)
  await again.spool.close()
  expect(await ids((await opened(directory)).spool)).toEqual(['dsn0000000'])
})

test('a large DSN whose first file could not even be removed is made when the disk is back (case S18)', async () => {
  const { spool, failing, directory, state } = await opened()
  const { queueId, forwardPaths } = (await accept(spool, contentOf(1, 10))).envelope
  const reports = { queueId, forwardPaths }
  const dsn = { queueId: 'dsn0000000', draft: { reversePath: '', reports } }
  const content = contentOf(2, smallBytes + 1)
  for (const call of ['sync large', 'unlink']) failing.failing.set(call, 'EROFS')
  await expect(accept(spool, content, dsn)).rejects.toThrow('EROFS')
  expect(readdirSync(join(directory, 'large'))).toEqual(['dsn0000000.eml'])
  failing.failing.clear()
  await mended(spool)
  await accept(spool, content, dsn)
  expect((await octets(spool.content('dsn0000000'))).equals(content)).toBe(true)
  expect(state()).toEqual([expect.stringContaining('fault'), 'mended'])
})

test('a large content that the disk neither took nor removed is removed when the disk is back, and takes no room until a restart (case S14)', async () => {
  const { spool, failing, directory } = await opened()
  const { queueId } = (await accept(spool, contentOf(1, smallBytes + 1))).envelope
  for (const call of ['write large', 'unlink large']) failing.failing.set(call, 'EIO')
  await expect(accept(spool, contentOf(2, smallBytes + 1))).rejects.toThrow('EIO')
  expect(readdirSync(join(directory, 'large'))).toHaveLength(2)
  failing.failing.clear()
  await mended(spool)
  expect(readdirSync(join(directory, 'large'))).toEqual([`${queueId}.eml`])
})

test('what the disk neither let become a segment nor removed is removed when it is back, however often that was tried (case S16)', async () => {
  const { spool, failing, directory } = await opened()
  const files = () => readdirSync(join(directory, 'journal'))
  const { queueId } = (await accept(spool, contentOf(1, 10))).envelope
  for (const call of ['sync journal', 'unlink journal']) failing.failing.set(call, 'EIO')
  await expect(accept(spool, contentOf(2, 10))).rejects.toThrow('EIO')
  await until('some segments could not be removed', () => files().length > 3)
  failing.failing.clear()
  await mended(spool)
  await until('they are gone', () => files().length === 2)
  expect(files().filter((name) => name.endsWith('.tmp'))).toEqual([])
  expect(await ids(spool)).toEqual([queueId])
})

test('what could not be listed is removed behind the next outage, and what others have put there stays (case S16)', async () => {
  const { spool, failing, directory } = await opened()
  const files = () => readdirSync(join(directory, 'journal'))
  await accept(spool, contentOf(1, 10))
  const others = `${'9'.repeat(10)}-${'0'.repeat(16)}.log`
  for (const name of [others, 'notes.tmp']) writeFileSync(join(directory, 'journal', name), '')
  for (const call of ['sync journal', 'unlink journal', 'list journal']) failing.failing.set(call, 'EIO')
  await expect(accept(spool, contentOf(2, 10))).rejects.toThrow('EIO')
  await until('some segments could not be removed', () => files().length > 5)
  for (const call of ['sync journal', 'unlink journal']) failing.failing.delete(call)
  await mended(spool)
  await until('it was tried', () => failing.calls.includes('list journal'))
  expect(files().length).toBeGreaterThan(5)
  failing.failing.clear()
  failing.failing.set('sync journal', 'EIO')
  await expect(accept(spool, contentOf(3, 10))).rejects.toThrow('EIO')
  failing.failing.clear()
  await mended(spool)
  await until('they are gone', () => files().length === 5)
  expect(files()).toEqual(expect.arrayContaining([others, 'notes.tmp']))
})

test('while the disk neither lets a segment be begun nor removed, for however long, the memory holds no name of each (case S16)', async () => {
  const fails = () => Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' }))
  const file = { write: async () => {}, sync: fails, close: async () => {} }
  const disk = { create: async () => file, unlink: fails } as unknown as Disk
  const nobody = () => undefined
  const journal = new Journal({
    ...{ disk, paths: pathsOf('/spool'), segments: [], segmentBytes: 65_536, lastNumber: 0, isEmptied: false },
    ...{ undone: () => 0, found: { entries: [], ending: 0 }, written: nobody, broken: nobody, gone: nobody },
    silence: { during: (write) => write },
  })
  const tries = async (count: number): Promise<number> => {
    for (let n = 0; n < count; n++) await journal.mend().catch(nobody)
    return liveBytes()
  }
  const before = await tries(1000)
  // Some four hours.
  expect((await tries(15_000)) - before).toBeLessThan(1_000_000)
})

test.each([
  ['that lists no segment as old', 0],
  ['that lists one before it and one behind it, which were given back', 1],
])('a segment that a failing disk let neither be begun nor removed is no damage at a start from one %s (case S16)', async (_, behind) => {
  const { spool, failing, directory } = await opened()
  const segments = () =>
    readdirSync(join(directory, 'journal'))
      .filter((name) => name.endsWith('.log'))
      .toSorted()
  const [first = ''] = segments()
  const before = (await accept(spool, contentOf(1, 10))).envelope.queueId
  const failsToSync = async () => {
    failing.failing.set('sync journal', 'EIO')
    await expect(accept(spool, contentOf(2, 10))).rejects.toThrow(SpoolError)
    failing.failing.delete('sync journal')
  }
  for (const call of ['syncDirectory journal', 'unlink journal']) failing.failing.set(call, 'EIO')
  await failsToSync()
  // The last one may still come to be the next segment.
  await until('two segments could not be removed', () => segments().length > 2)
  const paths = segments().map((name) => join(directory, 'journal', name))
  const left = paths.slice(1, -1).map((path) => ({ path, content: readFileSync(path) }))
  failing.failing.clear()
  await mended(spool)
  const mail = [before]
  if (behind > 0) mail.push((await accept(spool, contentOf(3, 10))).envelope.queueId)
  else {
    await spool.remove(before)
    await until('the first segment is gone', () => !segments().includes(first))
  }
  await failsToSync()
  await mended(spool)
  if (behind > 0) {
    for (const queueId of mail) await spool.remove(queueId)
    await until('one segment is left', () => segments().length === 1)
  }
  await spool.close()
  // As where it was killed before it could remove them.
  for (const { path, content } of left) writeFileSync(path, content)
  const { state } = await opened(directory)
  expect(state()).toEqual([])
})
