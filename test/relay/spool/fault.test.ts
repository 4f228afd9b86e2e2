/** Whatever call of the disk fails, nothing acknowledged is lost, nothing refused comes back, and the spool mends by itself. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { nodeDisk } from '../../../relay/spool/disk.ts'
import { smallBytes } from '../../../relay/spool/incoming.ts'
import { SpoolError } from '../../../relay/spool/spool.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { accept, contentOf, draft, pending } from './contents.ts'
import { FailingDisk } from './failing-disk.ts'
import { ids, mended, opened } from './failing-spool.ts'
import { octets } from './samples.ts'

/** Which calls of the disk fail, how large the message is, and what the submission is told. */
const faults: readonly (readonly [call: string, code: string, bytes: number, kind: 'full' | 'fault'])[] = [
  ['write journal', 'EIO', 10, 'fault'],
  ['write journal', 'ENOSPC', 10, 'full'],
  ['write journal', 'EDQUOT', 10, 'full'],
  ['write journal', 'EROFS', 10, 'fault'],
  ['write journal', 'ESTALE', 10, 'fault'],
  ['sync journal', 'EIO', 10, 'fault'],
  ['sync journal', 'ENOSPC', 10, 'full'],
  ['create large', 'ENOSPC', smallBytes + 1, 'full'],
  ['write large', 'ENOSPC', smallBytes + 1, 'full'],
  ['write large', 'EIO', smallBytes + 1, 'fault'],
  ['sync large', 'EIO', smallBytes + 1, 'fault'],
  ['syncDirectory large', 'EIO', smallBytes + 1, 'fault'],
  ['write journal', 'EIO', smallBytes + 1, 'fault'],
  ['sync journal', 'EIO', smallBytes + 1, 'fault'],
]

describe.each(faults)('when `%s` fails with %s for a message of %d octets', (call, code, bytes, kind) => {
  test(`it is refused as ${kind} and is gone, and the spool is back when the disk is (cases S14, S16, S18)`, async () => {
    const { spool, failing, directory, state } = await opened()
    const before = await accept(spool, contentOf(1, 10))
    failing.failing.set(call, code)
    const refused = accept(spool, contentOf(2, bytes))
    await expect(refused).rejects.toThrow(SpoolError)
    await expect(refused).rejects.toMatchObject({ kind })
    expect(await ids(spool)).toEqual([before.envelope.queueId])
    const largeFiles = failing.calls.filter((done) => done === 'create large').length
    expect(failing.calls.filter((done) => done === 'close large').length).toBeLessThanOrEqual(largeFiles)
    expect(readdirSync(join(directory, 'large'))).toEqual([])
    expect(spool.fault).toContain(code)
    expect(spool.fault).toContain(directory)
    await expect(spool.receive()).rejects.toMatchObject({ kind })
    expect(state()).toEqual([expect.stringMatching(`^fault spool ${directory}.*${code}`)])

    failing.failing.clear()
    await mended(spool)
    expect(state()).toEqual([expect.stringContaining('fault'), 'mended'])
    const after = await accept(spool, contentOf(3, bytes))
    expect(await ids(spool)).toEqual([before.envelope.queueId, after.envelope.queueId])
    await spool.close()

    const again = await opened(directory)
    expect(await ids(again.spool)).toEqual([before.envelope.queueId, after.envelope.queueId])
    expect((await octets(again.spool.content(after.envelope.queueId))).equals(contentOf(3, bytes))).toBe(true)
    expect(again.state()).toEqual([])
  })
})

test.each([
  ['create large', 'EMFILE'],
  ['create large', 'ENFILE'],
  ['write large', 'EFBIG'],
  ['syncDirectory large', 'EMFILE'],
])('a content that a limit on files keeps out, as `%s` fails with %s, is refused alone, and told (case R10)', async (call, code) => {
  const { spool, failing, directory, state } = await opened()
  failing.failing.set(call, code)
  await expect(accept(spool, contentOf(1, smallBytes + 1))).rejects.toThrow(SpoolError)
  expect(spool.fault).toBeUndefined()
  const small = await accept(spool, contentOf(2, 10))
  expect(state()).toEqual([expect.stringMatching(new RegExp(`^not stored [0-9a-z]+: ${code}`))])
  expect(readdirSync(join(directory, 'large'))).toEqual([])
  failing.failing.clear()
  const large = await accept(spool, contentOf(3, smallBytes + 1))
  expect(await ids(spool)).toEqual([small.envelope.queueId, large.envelope.queueId])
})

test('after a failed fdatasync nothing more goes into the file, and it is not synced again (case S16)', async () => {
  const { spool, failing } = await opened()
  await accept(spool, contentOf(1, 10))
  // To create the next segment is tried again and again, and does not matter here.
  const others = ['close journal', 'create journal']
  const calls = () => failing.calls.filter((call) => call.endsWith(' journal') && !others.includes(call))
  const before = calls().length
  failing.failing.set('sync journal', 'EIO').set('create journal', 'EIO')
  await expect(accept(spool, contentOf(2, 10))).rejects.toThrow('EIO')
  expect(calls().slice(before)).toEqual(['write journal', 'sync journal', 'truncate journal'])
  failing.failing.clear()
  await mended(spool)
  expect(calls().slice(before + 3)).toEqual([
    'write journal',
    'sync journal',
    'rename journal',
    'syncDirectory journal',
  ])
})

test('a disk that failed once, and is full by now, is told as full, and takes the DSNs on its mail (cases S14, S16)', async () => {
  const { spool, failing, state } = await opened()
  const { queueId, forwardPaths } = (await accept(spool, contentOf(1, 10))).envelope
  failing.failing.set('sync journal', 'EIO')
  await expect(accept(spool, contentOf(2, 10))).rejects.toMatchObject({ kind: 'fault' })
  const { total } = await nodeDisk.space('/')
  Object.assign(failing.disk, { space: async () => ({ free: 17 * 1024 * 1024, total }) })
  failing.failing.clear()
  await until('the reason is the room', () => spool.fault?.includes('disk full') === true)
  expect(state()).toEqual([expect.stringMatching(/^fault .*EIO/), expect.stringMatching(/^fault .*disk full/)])
  await expect(accept(spool, contentOf(2, 10))).rejects.toMatchObject({ kind: 'full' })
  const reports = { queueId, forwardPaths }
  await accept(spool, contentOf(3, 10), { queueId: 'dsn0000000', draft: { reversePath: '', reports } })
  await spool.remove(queueId)
  expect(await ids(spool)).toEqual(['dsn0000000'])
})

test.each([
  ['octets', { free: 60 * 1024 * 1024 }],
  ['files', { free: 1024 * 1024 * 1024, files: { free: 100, total: 10_000 } }],
])('a disk that failed once takes mail again also where it has hardly more %s than are kept for delivery (cases S14, S16)', async (_what, room) => {
  const { spool, failing } = await opened()
  const { total } = await nodeDisk.space('/')
  Object.assign(failing.disk, { space: async () => ({ total, ...room }) })
  failing.failing.set('sync journal', 'EIO')
  await expect(accept(spool, contentOf(1, 10))).rejects.toMatchObject({ kind: 'fault' })
  failing.failing.clear()
  await mended(spool)
  await accept(spool, contentOf(2, 10))
  expect(spool.fault).toBeUndefined()
})

test('a newest segment whose file the disk does not show for a moment is not told as gone, and takes mail on', async () => {
  const { spool, failing, state } = await opened()
  failing.failing.set('size journal', 'EIO')
  const asked = () => failing.calls.includes('size journal')
  await until('it was looked for', async () => {
    await accept(spool, contentOf(1, 10))
    return asked()
  })
  expect(state()).toEqual([])
})

test('a disk that takes the octets of a new file, and can not sync it, is not believed to be back (case S16)', async () => {
  const { spool, failing } = await opened()
  failing.failing.set('sync', 'EIO')
  await expect(accept(spool, contentOf(1, 10))).rejects.toThrow('EIO')
  failing.failing.set('sync large', 'EIO').delete('sync')
  const probes = () => failing.calls.filter((call) => call === 'create large').length
  const before = probes()
  await until('a new file was tried twice', () => probes() >= before + 2)
  expect(spool.fault).toContain('EIO')
  failing.failing.clear()
  await mended(spool)
  await accept(spool, contentOf(2, 10))
})

test('large contents that are on their way to the disk count as taken: many at once leave what is kept for delivery (case S14)', async () => {
  const failing = new FailingDisk()
  const written = Promise.withResolvers<void>()
  failing.waiting.set('write large', written.promise)
  const bytes = smallBytes + 1
  const kept = (16 + 32) * 1024 * 1024 + 16 * 1024
  Object.assign(failing.disk, { space: async () => ({ free: kept + 5.5 * bytes, total: 10 * 1024 ** 3 }) })
  const { spool } = await opened(temporaryFolder(), failing)
  const refused: unknown[] = []
  const all = Array.from({ length: 20 }, (_, n) => accept(spool, contentOf(n, bytes)).catch((e) => refused.push(e)))
  const begun = () => failing.calls.filter((call) => call === 'create large').length
  await until('each is refused, or on its way to the disk', () => begun() + refused.length === 20)
  expect(begun()).toBe(5)
  expect(refused).toEqual(Array(15).fill(expect.objectContaining({ kind: 'full' })))
  written.resolve()
  await Promise.all(all)
})

test('contents that wait to be written to the journal count as taken, too: many at once leave what is kept for delivery (case S14)', async () => {
  const failing = new FailingDisk()
  const kept = (16 + 32) * 1024 * 1024 + 16 * 1024
  Object.assign(failing.disk, { space: async () => ({ free: kept + 5.5 * smallBytes, total: 10 * 1024 ** 3 }) })
  const { spool } = await opened(temporaryFolder(), failing)
  const written = Promise.withResolvers<void>()
  failing.waiting.set('write journal', written.promise)
  const refused: unknown[] = []
  const all = Array.from({ length: 20 }, (_, n) =>
    accept(spool, contentOf(n, smallBytes - 1000)).catch((e) => refused.push(e)),
  )
  await until('those that do not fit are refused', () => refused.length === 15)
  expect(refused).toEqual(Array(15).fill(expect.objectContaining({ kind: 'full' })))
  written.resolve()
  await Promise.all(all)
  expect(spool.size).toBe(5)
})

test('a state or a removal that could not be written is refused, its message is still ours, and it can be asked for again', async () => {
  const { spool, failing, directory } = await opened()
  const { queueId } = (await accept(spool, contentOf(1, 10))).envelope
  failing.failing.set('sync journal', 'EIO')
  await expect(spool.remove(queueId)).rejects.toThrow(SpoolError)
  await expect(spool.record(queueId, draft.forwardPaths.map(pending))).rejects.toThrow(SpoolError)
  expect(spool.has(queueId)).toBe(true)
  failing.failing.clear()
  await mended(spool)
  await spool.remove(queueId)
  await spool.close()
  expect(await ids((await opened(directory)).spool)).toEqual([])
})

test('all messages of a batch that failed are refused, and those that come later are not', async () => {
  const { spool, failing } = await opened()
  failing.failing.set('sync journal', 'EIO')
  const results = await Promise.allSettled([1, 2, 3].map((n) => accept(spool, contentOf(n, 10))))
  expect(results.map((r) => r.status)).toEqual(['rejected', 'rejected', 'rejected'])
  failing.failing.clear()
  await mended(spool)
  await expect(accept(spool, contentOf(4, 10))).resolves.toBeDefined()
})

test('a spool opens on a disk that takes nothing, gives out what it has, and mends by itself', async () => {
  const first = await opened()
  const { queueId } = (await accept(first.spool, contentOf(1, 10))).envelope
  await first.spool.close()
  const failing = new FailingDisk()
  for (const call of ['create', 'write', 'rename', 'unlink']) failing.failing.set(call, 'EROFS')
  const { spool, state } = await opened(first.directory, failing)
  expect((await octets(spool.content(queueId))).equals(contentOf(1, 10))).toBe(true)
  expect(spool.fault).toContain('EROFS')
  expect(state()).toHaveLength(1)
  failing.failing.clear()
  await mended(spool)
  await spool.remove(queueId)
  await accept(spool, contentOf(2, 10))
})

test('what a start has ended, on a disk that takes nothing, is ended on the disk when that takes writes: the next start tells of it no more', async () => {
  const first = await opened()
  await accept(first.spool, contentOf(1, smallBytes + 1), { queueId: 'large00000' })
  // Its segment stays.
  await accept(first.spool, contentOf(2, 10))
  await first.spool.close()
  rmSync(join(first.directory, 'large', 'large00000.eml'))
  const failing = new FailingDisk()
  failing.failing.set('create journal', 'EROFS')
  const { spool, state } = await opened(first.directory, failing)
  expect(state()).toContainEqual(expect.stringMatching(/^quarantined .*large00000.eml: is gone$/))
  failing.failing.clear()
  await mended(spool)
  await spool.close()
  expect((await opened(first.directory)).state()).toEqual([])
})

test('content that cannot be read is an error of the stream, and stays ours', async () => {
  const { spool, failing } = await opened()
  const { queueId } = (await accept(spool, contentOf(1, smallBytes + 1))).envelope
  failing.failing.set('read large', 'EIO')
  await expect(octets(spool.content(queueId))).rejects.toMatchObject({ kind: 'fault' })
  failing.failing.clear()
  expect((await octets(spool.content(queueId))).length).toBe(smallBytes + 1)
})

test('a slow fdatasync of a large content does not hold up another message (case S20)', async () => {
  const { spool, failing } = await opened()
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const { create } = failing.disk
  Object.assign(failing.disk, {
    create: async (path: string) => {
      const file = await create(path)
      return { ...file, sync: () => held.then(() => file.sync()) }
    },
  })
  const incoming = await spool.receive()
  await incoming.write(contentOf(1, smallBytes + 1))
  const committing = incoming.commit(draft)
  await expect(accept(spool, contentOf(2, 10))).resolves.toBeDefined()
  expect(spool.fault).toBeUndefined()
  release()
  await expect(committing).resolves.toBeDefined()
})

test.each([
  ['a commit', 'sync', 10],
  ['the file of a large content', 'create', smallBytes + 1],
  ['a large content', 'write', smallBytes + 1],
  ['the end of a large content', 'sync', smallBytes + 1],
] as const)('a disk that does not answer %s for a minute is told, and nothing new is taken until it does (case S20)', async (_what, call, bytes) => {
  const failing = new FailingDisk()
  let asked = () => {}
  let answer: Promise<void> | undefined
  const waits = async (here: 'create' | 'write' | 'sync'): Promise<void> => {
    if (here !== call || answer === undefined) return
    asked()
    await answer
  }
  const { create } = failing.disk
  Object.assign(failing.disk, {
    create: async (path: string) => {
      await waits('create')
      const file = await create(path)
      const write: typeof file.write = (...given) => waits('write').then(() => file.write(...given))
      return { ...file, write, sync: () => waits('sync').then(() => file.sync()) }
    },
  })
  const { spool, state, directory } = await opened(temporaryFolder(), failing)
  const why = `spool ${directory}: the disk has not answered a write for 60 s`
  const hung = Promise.withResolvers<void>()
  const isAsked = Promise.withResolvers<void>()
  answer = hung.promise
  asked = isAsked.resolve
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const committing = accept(spool, contentOf(1, bytes))
  await isAsked.promise
  vi.advanceTimersByTime(59_999)
  expect([spool.fault, state()]).toEqual([undefined, []])
  vi.advanceTimersByTime(1)
  expect([spool.fault, state()]).toEqual([why, [`fault ${why}`]])
  hung.resolve()
  await committing
  expect([spool.fault, state()]).toEqual([undefined, [`fault ${why}`, 'mended']])
})

test('a volume that is away, where closing a file fails, too, keeps no spool from being closed (case S27)', async () => {
  const { spool, failing, directory } = await opened()
  const { queueId } = (await accept(spool, contentOf(1, 10))).envelope
  failing.failing.set('close', 'ENOTCONN')
  await spool.close()
  expect(await ids((await opened(directory)).spool)).toEqual([queueId])
})
