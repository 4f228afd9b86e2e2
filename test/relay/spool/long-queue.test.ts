/** What is not in memory of a long queue is read from the disk: as it is now, by few open files, and never that of another message. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { nodeDisk } from '../../../relay/spool/disk.ts'
import { JournalSpool } from '../../../relay/spool/journal-spool.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { accept, contentOf, draft, messagesOf, pending } from './contents.ts'
import { openFilesIn } from './open-files.ts'
import { listening, octets } from './samples.ts'

async function opened(directory: string) {
  const told = listening()
  for (const folder of ['journal', 'large', 'quarantine']) await nodeDisk.makeDirectory(join(directory, folder))
  const parts = { directory, events: told.events, now: Date.now, disk: nodeDisk, segmentBytes: 20_000 }
  return { told, spool: await JournalSpool.open({ ...parts, closed: () => {} }) }
}

async function filled(count: number) {
  const directory = temporaryFolder()
  const { spool } = await opened(directory)
  const ids: string[] = []
  for (let n = 0; n < count; n += 1) ids.push((await accept(spool, contentOf(n, 4000))).envelope.queueId)
  await spool.close()
  return { directory, ids }
}

const segments = (directory: string): string[] => readdirSync(join(directory, 'journal')).toSorted()

test('messages in more than fifty segments are read with sixteen segments open, and no segment is open after the end', async () => {
  const { directory, ids } = await filled(260)
  expect(segments(directory).length).toBeGreaterThan(50)
  const { spool } = await opened(directory)
  for (const [n, id] of ids.entries()) expect((await octets(spool.content(id))).equals(contentOf(n, 4000))).toBe(true)
  const open = () => openFilesIn(join(directory, 'journal'))
  // Sixteen that are read, and the one that is written.
  expect(open()).toHaveLength(17)
  await spool.close()
  expect(open()).toEqual([])
})

test('a message is loaded with the state that was recorded last, also while that is being written', async () => {
  const { directory, ids } = await filled(20)
  const { spool } = await opened(directory)
  const [id = ''] = ids
  const handle = spool.handleOf(id) ?? -1
  for (let attempts = 1; attempts < 30; attempts += 1) {
    const recipients = draft.forwardPaths.map((path) => ({ ...pending(path), attempts }))
    const loading = spool.load(handle)
    const recording = spool.record(id, recipients)
    expect((await loading)?.recipients).toEqual(recipients)
    await recording
    expect((await spool.load(handle))?.recipients).toEqual(recipients)
  }
  await spool.close()
})

test('a handle whose message has left loads nothing, or the message that has it now', async () => {
  const { directory, ids } = await filled(3)
  const { spool } = await opened(directory)
  const [id = ''] = ids
  const handle = spool.handleOf(id) ?? -1
  const loading = spool.load(handle)
  await spool.remove(id)
  expect([undefined, id]).toContain((await loading)?.envelope.queueId)
  expect([spool.outline(handle), await spool.load(handle)]).toEqual([undefined, undefined])
  const next = await accept(spool, contentOf(9, 100))
  expect(spool.handleOf(next.envelope.queueId)).toBe(handle)
  expect(await spool.load(handle)).toEqual(next)
  await spool.close()
})

test('content that was damaged in an older segment is noticed when it is given out, and its message alone is given up', async () => {
  const { directory, ids } = await filled(40)
  const path = join(directory, 'journal', segments(directory)[1] ?? '')
  const bytes = readFileSync(path)
  const hit = ids.findIndex((id) => bytes.includes(`"${id}"`))
  bytes.write('!', bytes.indexOf(contentOf(hit, 4000)) + 100)
  writeFileSync(path, bytes)
  const { spool, told } = await opened(directory)
  expect(told.lines).toEqual(['recovered 40 swept 0'])
  await expect(octets(spool.content(ids[hit] ?? ''))).rejects.toThrow('is damaged')
  expect(told.lines.filter((line) => line.startsWith('quarantined'))).toHaveLength(1)
  expect((await messagesOf(spool)).map((m) => m.envelope.queueId)).toEqual(ids.toSpliced(hit, 1))
  await spool.close()
})

test('a DSN whose content is damaged, also in an older segment, closes no recipient of its original (case S25)', async () => {
  const { directory, ids } = await filled(2)
  const first = await opened(directory)
  const [id = ''] = ids
  const report = contentOf(77, 3000)
  const reports = { queueId: id, forwardPaths: draft.forwardPaths }
  await accept(first.spool, report, { queueId: 'dsn0000000', draft: { reports } })
  for (let n = 0; n < 20; n += 1) await accept(first.spool, contentOf(100 + n, 4000))
  await first.spool.close()
  const name = segments(directory).find((s) => readFileSync(join(directory, 'journal', s)).includes(report)) ?? ''
  expect(segments(directory).indexOf(name)).toBeLessThan(segments(directory).length - 1)
  const bytes = readFileSync(join(directory, 'journal', name))
  bytes.write('!', bytes.indexOf(report) + 50)
  writeFileSync(join(directory, 'journal', name), bytes)
  const { spool } = await opened(directory)
  const original = (await messagesOf(spool)).find((m) => m.envelope.queueId === id)
  expect(original?.recipients.map((r) => r.state)).toEqual(['pending', 'pending'])
  expect(spool.has('dsn0000000')).toBe(false)
  await spool.close()
})
