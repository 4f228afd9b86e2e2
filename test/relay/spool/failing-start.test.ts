/** A start on a disk that does not give out all that it has forgets nothing that was acknowledged, and deletes nothing. */
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type DiskFile, nodeDisk } from '../../../relay/spool/disk.ts'
import { makeFolders } from '../../../relay/spool/folders.ts'
import { JournalSpool } from '../../../relay/spool/journal-spool.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { accept, contentOf } from './contents.ts'
import { FailingDisk } from './failing-disk.ts'
import { misreading } from './misreading.ts'
import { listening, octets } from './samples.ts'

const folders = ['journal', 'large', 'quarantine'] as const

async function opened(directory: string, disk = nodeDisk) {
  const told = listening()
  const parts = { directory, events: told.events, now: Date.now, disk, segmentBytes: 64 * 1024, closed: () => {} }
  const spool = await JournalSpool.open(parts)
  const lines = () => told.lines.map((line) => line.replace(directory, '')).filter((line) => !/^committed/.test(line))
  return { spool, lines, told: (kind: string) => lines().filter((line) => line.startsWith(kind)) }
}

/** Fifteen messages in the first segment; in the second twelve, a large one, and the removals of fourteen of the first. */
async function filled() {
  const directory = temporaryFolder()
  for (const folder of folders) await nodeDisk.makeDirectory(join(directory, folder))
  const { spool } = await opened(directory)
  const contents = new Map<string, Buffer>()
  const take = async (bytes: number): Promise<string> => {
    const content = contentOf(contents.size, bytes)
    const { queueId } = (await accept(spool, content)).envelope
    contents.set(queueId, content)
    return queueId
  }
  const first: string[] = []
  for (let n = 0; n < 15; n += 1) first.push(await take(4200))
  const second: string[] = []
  for (let n = 0; n < 12; n += 1) second.push(await take(4000))
  const large = await take(140_000)
  for (const id of first.slice(1)) await spool.remove(id)
  await spool.close()
  const [stays = '', ...gone] = first
  const names = readdirSync(join(directory, 'journal')).toSorted()
  const segment = (number: number) => join(directory, 'journal', names[number - 1] ?? '')
  const listed = () => folders.map((folder) => readdirSync(join(directory, folder)).toSorted())
  return { directory, contents, stays, gone, second, large, waiting: [stays, ...second, large], segment, listed }
}

/** The queue ids of all messages in the spool, whose contents have to be whole. */
async function held(spool: JournalSpool, contents: ReadonlyMap<string, Buffer>): Promise<string[]> {
  const ids = [...spool.handles()].map((handle) => spool.outline(handle)?.queueId ?? '')
  for (const id of ids) expect((await octets(spool.content(id))).equals(contents.get(id) ?? Buffer.of())).toBe(true)
  return ids.toSorted()
}

test.each([
  'EIO',
  'EACCES',
  'EMFILE',
])('large content whose size the disk does not tell, with %s, stays in the queue', async (code) => {
  const { directory, contents, waiting } = await filled()
  const failing = new FailingDisk()
  failing.failing.set('size large', code)
  const { spool, lines } = await opened(directory, failing.disk)
  expect(lines()).toEqual([`recovered ${waiting.length} swept 0`])
  expect(await held(spool, contents)).toEqual(waiting.toSorted())
  await spool.close()
  const again = await opened(directory)
  expect(await held(again.spool, contents)).toEqual(waiting.toSorted())
  await again.spool.close()
})

test('of a segment that can be read only at the third time nothing is lost', async () => {
  const { directory, contents, waiting } = await filled()
  const failing = new FailingDisk()
  failing.badSector = { file: '0000000002-', at: 100, times: 2 }
  const { spool, lines } = await opened(directory, failing.disk)
  expect(failing.badSector.times, 'it was read in vain').toBe(0)
  expect(lines()).toEqual([`recovered ${waiting.length} swept 0`])
  expect(await held(spool, contents)).toEqual(waiting.toSorted())
  await spool.close()
})

test('a newest segment that is read wrong once is not written over with that: all mail in it is there', async () => {
  const { directory, contents, waiting, segment } = await filled()
  const before = readFileSync(segment(2))
  let left = 1
  const disk = misreading((path, octets) => {
    if (path === segment(2) && left-- > 0) octets.fill(0, 9000)
  })
  const { spool, told } = await opened(directory, disk)
  expect(left, 'the segment was read').toBeLessThan(1)
  expect(await held(spool, contents)).toEqual(waiting.toSorted())
  expect(told('quarantined')).toEqual([])
  await spool.close()
  expect(readFileSync(segment(2)).subarray(0, before.length).equals(before)).toBe(true)
})

test.each<[string, (octets: Buffer) => void]>([
  ['with an octet of a head changed', (octets) => octets.writeUInt8(octets.readUInt8(420) ^ 1, 420)],
  ['as zeros from its first message on', (octets) => octets.fill(0, 400)],
  ['as zeros', (octets) => octets.fill(0)],
])('an older segment that is read wrong once, %s, is read again: all mail in it is there', async (_how, spoil) => {
  const { directory, contents, waiting, segment } = await filled()
  let left = 1
  const disk = misreading((path, octets) => {
    if (path === segment(1) && left-- > 0) spoil(octets)
  })
  const { spool, lines } = await opened(directory, disk)
  expect(await held(spool, contents)).toEqual(waiting.toSorted())
  expect(lines()).toEqual([`recovered ${waiting.length} swept 0`])
  expect(left, 'the segment was read').toBeLessThan(1)
  await spool.close()
})

test('when the newest segment is read otherwise each time, the start fails, says so and leaves all files as they are', async () => {
  const { directory, segment, listed } = await filled()
  const [before, files] = [readFileSync(segment(2)), listed()]
  let reads = 0
  const disk = misreading((path, octets) => {
    if (path === segment(2)) octets[9000] = reads++
  })
  await expect(opened(directory, disk)).rejects.toThrow(`${segment(2)} is read otherwise each time`)
  expect(readFileSync(segment(2)).equals(before)).toBe(true)
  expect(listed()).toEqual(files)
})

test('when a segment cannot be read, the start fails, says what to do and leaves all files as they are', async () => {
  const { directory, contents, waiting, segment, listed } = await filled()
  const before = listed()
  const failing = new FailingDisk()
  failing.badSector = { file: '0000000002-', at: 100 }
  const start = opened(directory, failing.disk)
  await expect(start).rejects.toMatchObject({ kind: 'fault' })
  await expect(start).rejects.toThrow(`${segment(2)} cannot be read: EIO`)
  await expect(start).rejects.toThrow('put a copy of what can be read in its place')
  expect(listed()).toEqual(before)
  const { spool, lines } = await opened(directory)
  expect(lines()).toEqual([`recovered ${waiting.length} swept 0`])
  expect(await held(spool, contents)).toEqual(waiting.toSorted())
  await spool.close()
})

test('when the record of a DSN can not be read any more after its segment was, the start fails, and names the segment', async () => {
  const { directory, second } = await filled()
  const { spool } = await opened(directory)
  const reports = { queueId: second[0] ?? '', forwardPaths: ['one@other.example'] }
  await accept(spool, contentOf(98, 20_000))
  await accept(spool, contentOf(99, 300), { queueId: 'dsn0000000', draft: { reversePath: '', reports } })
  await spool.close()
  const open = async (path: string): Promise<DiskFile> => {
    const file = await nodeDisk.open(path)
    const read: typeof file.read = async (into, position) => {
      // As Node says it: without the name of the file.
      if (into.length < 5000) throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })
      return file.read(into, position)
    }
    return { ...file, read }
  }
  const start = opened(directory, { ...nodeDisk, open })
  await expect(start).rejects.toThrow(/0000000003-[0-9a-f]{16}\.log cannot be read: EIO: i\/o error/)
  await expect(start).rejects.toThrow('put a copy of what can be read in its place')
})

test('when the newest segment can not be synced, the start fails after one try and leaves all files as they are', async () => {
  const { directory, contents, waiting, listed } = await filled()
  const before = listed()
  const failing = new FailingDisk()
  failing.failing.set('sync journal', 'EIO')
  await expect(opened(directory, failing.disk)).rejects.toThrow(/0000000002-.*\.log cannot be synced: EIO.*start again/)
  expect([listed(), failing.calls.filter((call) => call === 'sync journal').length]).toEqual([before, 1])
  const { spool, lines } = await opened(directory)
  expect(lines()).toEqual([`recovered ${waiting.length} swept 0`])
  expect(await held(spool, contents)).toEqual(waiting.toSorted())
  await spool.close()
})

test('a disk that the system has made read-only, where a sync fails too, gives out what it has (case S18)', async () => {
  const { directory, contents, waiting, listed } = await filled()
  const before = listed()
  const failing = new FailingDisk()
  const written = ['create', 'openToWrite', 'sync', 'syncDirectory', 'rename', 'unlink'] as const
  for (const call of written) failing.failing.set(call, 'EROFS')
  await makeFolders(failing.disk, directory)
  const { spool } = await opened(directory, failing.disk)
  expect(spool.fault).toContain('EROFS')
  expect(await held(spool, contents)).toEqual(waiting.toSorted())
  await spool.close()
  expect(listed()).toEqual(before)
})

test('with a copy of what can be read in the place of a segment, only the mail that lay in the rest is missing, and nothing is deleted', async () => {
  const { directory, contents, stays, gone, second, large, segment, listed } = await filled()
  const bytes = readFileSync(segment(2))
  const from = bytes.indexOf(large) - 1000
  writeFileSync(segment(2), Buffer.concat([bytes.fill(0, from), Buffer.from('damaged, by hand\n')]))
  const { spool, told } = await opened(directory)
  // These messages are back, since their removals were lost.
  const back = [stays, ...gone]
  expect(await held(spool, contents)).toEqual([...back, ...second.slice(0, -1)].toSorted())
  expect(told('quarantined')).toEqual([
    expect.stringMatching(/^quarantined \/journal\/0000000002-.*: the content of message/),
    expect.stringMatching(/^quarantined \/journal\/0000000002-.*: a record is damaged/),
    expect.stringContaining(`/large/${large}.eml: no record names it`),
  ])
  expect(told('forgotten').toSorted()).toEqual(
    [...back, ...second.slice(0, -1)].map((id) => `forgotten ${id}`).toSorted(),
  )
  expect(listed()[2]).toContain(`${large}.eml`)
  await spool.close()
})

test('a message that came after the damaged record, or that left, is not told as a possible duplicate', async () => {
  const { directory, gone, second, stays, segment } = await filled()
  const bytes = readFileSync(segment(2))
  const [, , damaged = ''] = second
  bytes.write('!', bytes.indexOf(damaged))
  writeFileSync(segment(2), bytes)
  const { spool, told } = await opened(directory)
  expect(gone.filter((id) => spool.has(id))).toEqual([])
  expect(told('forgotten').toSorted()).toEqual([stays, ...second.slice(0, 2)].map((id) => `forgotten ${id}`).toSorted())
  await spool.close()
})

test('damaged content hides no record, so that no message is told as a possible duplicate for it', async () => {
  const { directory, contents, second, segment } = await filled()
  const bytes = readFileSync(segment(2))
  const content = contents.get(second[2] ?? '') ?? Buffer.of()
  bytes.write('!', bytes.indexOf(content) + 7)
  writeFileSync(segment(2), bytes)
  const { spool, told } = await opened(directory)
  expect([told('quarantined').length, told('forgotten')]).toEqual([1, []])
  await spool.close()
})

test('a segment that is gone from between others is told once, and large content that only it could name is kept', async () => {
  const { directory, contents, stays, gone, large, segment, listed } = await filled()
  const { spool: third } = await opened(directory)
  await third.close()
  rmSync(segment(2))
  const { spool, told } = await opened(directory)
  // These messages are back, since their removals were in that segment.
  const back = [stays, ...gone]
  expect(await held(spool, contents)).toEqual(back.toSorted())
  expect(told('quarantined')).toEqual([
    expect.stringMatching(/^quarantined \/journal\/0000000002-[0-9a-f]{16}\.log: is gone$/),
    expect.stringContaining(`/large/${large}.eml: no record names it`),
  ])
  expect(told('forgotten').toSorted()).toEqual(back.map((id) => `forgotten ${id}`).toSorted())
  expect(listed()[2]).toContain(`${large}.eml`)
  await spool.close()
  const again = await opened(directory)
  expect([...again.told('quarantined'), ...again.told('forgotten')]).toEqual([])
  await again.spool.close()
})

test('a journal that is gone as a whole is told, and large content that only it could name is kept', async () => {
  const { directory, contents, large, listed } = await filled()
  rmSync(join(directory, 'journal'), { recursive: true })
  await nodeDisk.makeDirectory(join(directory, 'journal'))
  const { spool, told } = await opened(directory)
  expect(told('quarantined')).toEqual([
    'quarantined /journal: has no segment, and there is content: its records are gone',
    expect.stringContaining(`/large/${large}.eml: no record names it`),
  ])
  expect(readFileSync(join(directory, 'quarantine', `${large}.eml`)).equals(contents.get(large) ?? Buffer.of())).toBe(
    true,
  )
  await spool.close()
  const again = await opened(directory)
  expect([again.told('quarantined'), listed()[2]]).toEqual([[], [`${large}.eml`]])
  await again.spool.close()
})

test('that the oldest segments are gone, since nothing in them was needed, is no damage', async () => {
  const { directory, waiting, listed } = await filled()
  const { spool } = await opened(directory)
  for (const id of waiting) await spool.remove(id)
  for (let n = 0; listed()[0]?.some((name) => name.startsWith('0000000002')); n += 1) {
    expect(n).toBeLessThan(500)
    await spool.remove((await accept(spool, contentOf(n, 4000))).envelope.queueId)
  }
  await spool.close()
  const again = await opened(directory)
  expect([...again.told('quarantined'), ...again.told('forgotten')]).toEqual([])
  await again.spool.close()
})

test('many large contents whose records are damaged are set aside without listing the quarantine for each of them', async () => {
  const { directory, large, segment, listed } = await filled()
  truncateSync(segment(2), 0)
  for (let n = 0; n < 200; n += 1) writeFileSync(join(directory, 'large', `${String(n).padStart(10, '0')}.eml`), 'x')
  writeFileSync(join(directory, 'quarantine', `${large}.eml`), 'of before')
  const failing = new FailingDisk()
  const { spool } = await opened(directory, failing.disk)
  await spool.close()
  expect([listed()[1], listed()[2]?.length]).toEqual([[], 203])
  expect(listed()[2]).toContain(`${large}.eml.1`)
  expect(failing.calls.filter((call) => call === 'list quarantine')).toEqual([])
})

test('when a start fails behind a damaged segment, the next start sets the large contents of that segment aside', async () => {
  const { directory, large, segment, listed } = await filled()
  const { spool: third } = await opened(directory)
  await third.close()
  truncateSync(segment(2), 0)
  const failing = new FailingDisk()
  failing.badSector = { file: '0000000003-', at: 0 }
  await expect(opened(directory, failing.disk)).rejects.toThrow('cannot be read')
  const { spool } = await opened(directory)
  expect(listed()[2]).toContain(`${large}.eml`)
  await spool.close()
})
