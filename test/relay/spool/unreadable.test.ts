/** What cannot be read counts as damaged after some reads, over some time, on a disk that works; it is then set aside and told. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { nodeDisk } from '../../../relay/spool/disk.ts'
import { smallBytes } from '../../../relay/spool/incoming.ts'
import { JournalSpool } from '../../../relay/spool/journal-spool.ts'
import { type Patience, Unreadable } from '../../../relay/spool/unreadable.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { accept, contentOf, messagesOf, pending } from './contents.ts'
import { FailingDisk } from './failing-disk.ts'
import { misreading } from './misreading.ts'
import { listening, octets } from './samples.ts'

const minute = 60_000
const eio = Object.assign(new Error('EIO'), { code: 'EIO' })

/** Reads one place once a minute, with these results; says what came of each read, where `gone` is that the place counts as damaged. */
async function reads(results: readonly ('ok' | 'EIO' | 'EMFILE')[], apartMs = minute, working = true) {
  let now = 0
  const unreadable = new Unreadable({
    patience: { reads: 3, apartMs: minute },
    works: async () => working,
    now: () => now,
  })
  const came: string[] = []
  for (const code of results) {
    const read = async () => {
      if (code === 'ok') return 'ok'
      throw Object.assign(new Error(code), { code })
    }
    came.push(await unreadable.read('place', read).then((got) => got ?? 'gone', String))
    now += apartMs
  }
  return came.map((what) => what.replace('Error: ', ''))
}

test.each([
  ['failed reads, each long after the one before', ['EIO', 'EIO', 'EIO', 'EIO'], ['EIO', 'EIO', 'gone', 'gone']],
  ['an error that goes away', ['EIO', 'EIO', 'ok', 'EIO', 'EIO'], ['EIO', 'EIO', 'ok', 'EIO', 'EIO']],
  ['an error of the process, not of the medium', Array(4).fill('EMFILE'), Array(4).fill('EMFILE')],
] as const)('how reads went decides whether a place counts as damaged: %s', async (_what, results, came) => {
  expect(await reads(results)).toEqual(came)
})

test('many failed reads within a moment count as one', async () => {
  expect(await reads(Array(50).fill('EIO'), 10)).not.toContain('gone')
})

test('on a disk that takes no writes, failed reads do not count against a place', async () => {
  expect(await reads(Array(5).fill('EIO'), minute, false)).not.toContain('gone')
})

test('each place has a count of its own', async () => {
  const unreadable = new Unreadable({ patience: { reads: 1, apartMs: 0 }, works: async () => true })
  const failed = () => Promise.reject(eio)
  expect(await unreadable.read('one', failed)).toBeUndefined()
  expect(await unreadable.read('two', async () => 2)).toBe(2)
})

const short: Patience = { reads: 3, apartMs: 20 }
const endless: Patience = { reads: Number.POSITIVE_INFINITY, apartMs: 20 }

/** A spool with thirty waiting messages in its first segment, where an octet of one of the first cannot be read. */
async function withBadSector(patience: Patience) {
  const directory = temporaryFolder()
  const failing = new FailingDisk()
  const told = listening()
  for (const folder of ['journal', 'large', 'quarantine']) await nodeDisk.makeDirectory(join(directory, folder))
  const parts = { directory, events: told.events, now: Date.now, disk: failing.disk, closed: () => {} }
  const spool = await JournalSpool.open({ ...parts, segmentBytes: 64 * 1024, patience })
  onTestFinished(() => spool.close())
  const waiting: string[] = []
  for (let n = 0; n < 30; n += 1) waiting.push((await accept(spool, contentOf(n, 1500))).envelope.queueId)
  failing.badSector = { file: '0000000001-', at: 5000 }
  const pass = async (count: number) => {
    for (let n = 0; n < count; n += 1) await spool.remove((await accept(spool, contentOf(n, 4000))).envelope.queueId)
  }
  const there = () => waiting.filter((id) => spool.has(id)).length
  const quarantined = () => told.lines.filter((line) => line.startsWith('quarantined'))
  const listed = (folder: 'journal' | 'quarantine') => readdirSync(join(directory, folder))
  return { directory, spool, failing, waiting, pass, there, quarantined, listed, told }
}

/** Mail goes through until the condition holds. */
async function passUntil(pass: (count: number) => Promise<void>, what: string, holds: () => boolean) {
  for (let round = 0; !holds(); round += 1) {
    if (round > 200) throw new Error(`not after 4000 messages: ${what}`)
    await pass(20)
  }
}

test('one message that cannot be read is set aside with its segment, told, and the room of all others comes back', async () => {
  const { pass, there, quarantined, listed } = await withBadSector(short)
  const setAside = () => listed('quarantine').length === 1
  await passUntil(pass, 'the segment is set aside', setAside)
  expect(quarantined()).toEqual([expect.stringMatching(/0000000001-.*the content of message .* cannot be read$/)])
  expect(there()).toBe(29)
  await pass(200)
  await until('the dead segments are deleted', () => listed('journal').length < 8)
  expect(listed('quarantine')).toEqual([expect.stringMatching(/^0000000001-/)])
  expect(there()).toBe(29)
})

test('a message that cannot be read is set aside also while the disk is full (case S12)', async () => {
  const { spool, failing, waiting, there, quarantined } = await withBadSector(short)
  failing.failing.set('write journal', 'ENOSPC').set('create journal', 'ENOSPC').set('write large', 'ENOSPC')
  await expect(accept(spool, contentOf(1, 10))).rejects.toThrow('ENOSPC')
  await until('it is told', async () => {
    for (const id of waiting) await spool.load(spool.handleOf(id) ?? -1).catch(() => {})
    return quarantined().length > 0
  })
  expect(spool.isFull).toBe(true)
  expect(there()).toBe(29)
})

test('a segment that is set aside again, after a copy was put in its place, does not replace the one that was set aside before', async () => {
  const { directory, pass, listed } = await withBadSector(short)
  const [name = ''] = listed('journal')
  writeFileSync(join(directory, 'quarantine', name), 'as it was the first time')
  await passUntil(pass, 'the segment is set aside', () => !listed('journal').includes(name))
  expect(listed('quarantine').toSorted()).toEqual([name, `${name}.1`])
  expect(readFileSync(join(directory, 'quarantine', name), 'utf8')).toBe('as it was the first time')
})

test('a quarantine folder that somebody has taken away is made anew, and the room of dead segments comes back', async () => {
  const { directory, pass, there, listed } = await withBadSector(short)
  rmSync(join(directory, 'quarantine'), { recursive: true })
  await pass(400)
  await until('the dead segments are deleted', () => listed('journal').length < 8)
  expect(listed('quarantine')).toEqual([expect.stringMatching(/^0000000001-/)])
  expect(there()).toBe(29)
})

test('a quarantine folder that takes no file is told once, since no room comes back until it does', async () => {
  const { pass, failing, quarantined, listed } = await withBadSector(short)
  failing.failing.set('makeDirectory quarantine', 'EACCES')
  const stuck = () => quarantined().filter((line) => line.includes('can not be set aside'))
  await passUntil(pass, 'the failure is told', () => stuck().length > 0)
  await pass(100)
  expect(stuck()).toEqual([expect.stringMatching(/0000000001-.*: can not be set aside, .*: EACCES/)])
  failing.failing.clear()
  await passUntil(pass, 'the segment is set aside', () => listed('quarantine').length === 1)
})

test('an error of reading that goes away keeps no other message from being copied, and sets nothing aside', async () => {
  const { spool, failing, waiting, pass, there, quarantined, listed } = await withBadSector(endless)
  await pass(300)
  // All messages but one have been copied by now; their segment is still the oldest one, and keeps the later ones.
  expect(listed('journal').length).toBeGreaterThan(10)
  expect(failing.calls.filter((call) => call === 'read journal').length).toBeLessThan(200)
  failing.badSector = undefined
  await passUntil(pass, 'the dead segments are deleted', () => listed('journal').length < 8)
  expect([there(), quarantined(), listed('quarantine')]).toEqual([30, [], []])
  for (const [n, id] of waiting.entries()) {
    expect((await octets(spool.content(id))).equals(contentOf(n, 1500))).toBe(true)
  }
})

test.each([
  'EIO',
  'ENOENT',
])('while a whole volume is away (%s), and nobody writes, no message is given up, and it is told', async (code) => {
  const { directory, spool, failing, waiting, told, quarantined } = await withBadSector(short)
  failing.badSector = undefined
  const { queueId } = (await accept(spool, contentOf(1, smallBytes + 1))).envelope
  const everything = [
    'create',
    'open',
    'openToWrite',
    'size',
    'list',
    'rename',
    'unlink',
    'read',
    'write',
    'sync',
  ] as const
  for (const call of everything) failing.failing.set(call, code)
  const handles = [...spool.handles()]
  for (let round = 0; round < 3 * short.reads; round += 1) {
    for (const handle of handles) await expect(spool.load(handle)).rejects.toThrow('could not be read')
    // Only reads that are so far apart count, which is what may not happen here.
    await new Promise((resolve) => setTimeout(resolve, short.apartMs))
  }
  expect(spool.fault).toContain(directory)
  failing.failing.clear()
  await until('the spool takes mail again', () => spool.fault === undefined)
  expect(quarantined()).toEqual([])
  expect(told.lines.filter((line) => line.startsWith('fault'))).toHaveLength(1)
  for (const [n, id] of waiting.entries())
    expect((await octets(spool.content(id))).equals(contentOf(n, 1500))).toBe(true)
  expect((await octets(spool.content(queueId))).equals(contentOf(1, smallBytes + 1))).toBe(true)
})

test('a message whose state cannot be read counts as untried in the end, as one whose state is damaged does', async () => {
  const { spool, failing, waiting, told, directory } = await withBadSector(short)
  const [first = ''] = waiting
  await spool.record(first, [{ ...pending('one@other.example'), attempts: 7 }])
  const handle = spool.handleOf(first) ?? -1
  failing.badSector = placeOf('"attempts":7', join(directory, 'journal'))
  const attempts = async () => (await spool.load(handle))?.recipients.map((r) => r.attempts)
  await expect(attempts()).rejects.toThrow('could not be read')
  await until('the state counts as damaged', () => {
    void attempts().catch(() => {})
    return told.lines.some((line) => line.includes(`the state of message ${first}`))
  })
  expect(await attempts()).toEqual([0, 0])
  expect(told.lines.filter((line) => line.startsWith('quarantined'))).toHaveLength(1)
})

test('each message whose damaged state may make a duplicate is told once, also where its segment is known to be damaged', async () => {
  const { spool, failing, waiting, told, directory } = await withBadSector(short)
  failing.badSector = undefined
  const [first = '', second = ''] = waiting
  const delivered = { ...pending('one@other.example'), state: 'delivered' as const, attempts: 7 }
  for (const id of [first, second]) await spool.record(id, [delivered, pending('two@other.example')])
  for (const id of [first, second]) damageState(id, join(directory, 'journal'))
  for (const id of [first, second, second]) {
    const message = await spool.load(spool.handleOf(id) ?? -1)
    expect(message?.recipients.map((r) => r.state)).toEqual(['pending', 'pending'])
  }
  expect(told.lines.filter((line) => line.startsWith('forgotten'))).toEqual([
    `forgotten ${first}`,
    `forgotten ${second}`,
  ])
  expect(told.lines.filter((line) => line.startsWith('quarantined'))).toHaveLength(1)
})

function damageState(queueId: string, folder: string): void {
  const { file, at } = placeOf(`"state","queueId":"${queueId}"`, folder)
  const bytes = readFileSync(join(folder, file))
  bytes.write('!', at + 2)
  writeFileSync(join(folder, file), bytes)
}

function placeOf(text: string, folder: string) {
  for (const file of readdirSync(folder)) {
    const at = readFileSync(join(folder, file)).indexOf(text)
    if (at !== -1) return { file, at }
  }
  throw new Error(`${text} stands in no file`)
}

test('large content that cannot be read is set aside in the end, and told', async () => {
  const { spool, failing, quarantined, listed } = await withBadSector(short)
  const { queueId } = (await accept(spool, contentOf(1, smallBytes + 1))).envelope
  failing.badSector = { file: queueId, at: 100_000 }
  const errors: string[] = []
  for (let n = 0; n < 100 && spool.has(queueId); n += 1) {
    errors.push(String(await octets(spool.content(queueId)).catch((error: unknown) => error)))
    // Only reads that are some time apart count.
    await new Promise((resolve) => setTimeout(resolve, short.apartMs))
  }
  expect(errors[0]).toContain('could not be read')
  expect(errors.at(-1)).toContain('was set aside')
  expect(quarantined()).toHaveLength(1)
  await until('the content is set aside', () => listed('quarantine').includes(`${queueId}.eml`))
  expect((await messagesOf(spool)).length).toBeGreaterThan(28)
})

test.each([
  ['in the journal', 1500, '/journal/'],
  ['in a file of its own', smallBytes + 1, '/large/'],
])('content %s that was read wrong once is read again, and stays', async (_where, bytes, file) => {
  const directory = temporaryFolder()
  const told = listening()
  let wrong: string | undefined
  const disk = misreading((path, octets) => {
    if (wrong === undefined || !path.includes(wrong)) return
    wrong = undefined
    octets.fill(0)
  })
  for (const folder of ['journal', 'large', 'quarantine']) await nodeDisk.makeDirectory(join(directory, folder))
  const parts = { directory, events: told.events, now: Date.now, disk, closed: () => {} }
  const before = await JournalSpool.open(parts)
  const { queueId } = (await accept(before, contentOf(7, bytes))).envelope
  await before.close()
  const spool = await JournalSpool.open(parts)
  onTestFinished(() => spool.close())
  wrong = file
  const given = async () => (await octets(spool.content(queueId))).equals(contentOf(7, bytes))
  // Whoever has begun to send a large content ends without its last octets, and comes again.
  await given().catch(() => undefined)
  expect(wrong, 'the content was read').toBeUndefined()
  expect(await given()).toBe(true)
  expect(told.lines.filter((line) => line.startsWith('quarantined'))).toEqual([])
})
