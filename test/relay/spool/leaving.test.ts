/** What comes between the removal of a message, or of a segment, and its end leaves nothing behind: no record, and no open file. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { type Disk, nodeDisk } from '../../../relay/spool/disk.ts'
import { JournalSpool } from '../../../relay/spool/journal-spool.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { accept, contentOf, draft } from './contents.ts'
import { FailingDisk } from './failing-disk.ts'
import { LosingDisk } from './losing-disk.ts'
import { openFiles } from './open-files.ts'
import { listening, octets } from './samples.ts'

async function open(directory: string, disk: Disk = nodeDisk, segmentBytes = 1000) {
  for (const folder of ['journal', 'large', 'quarantine']) await nodeDisk.makeDirectory(join(directory, folder))
  const told = listening()
  const parts = { directory, events: told.events, now: Date.now, disk, segmentBytes, closed: () => {} }
  return { spool: await JournalSpool.open(parts), told }
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

/** Writes another octet into the file, where these octets stand in it. */
function damage(path: string, content: Buffer): void {
  const bytes = readFileSync(path)
  bytes.write('!', bytes.indexOf(content) + 20)
  writeFileSync(path, bytes)
}

test('a message whose damaged content can not be set aside while its removal is written is not copied behind that', async () => {
  const directory = temporaryFolder()
  const [large, small] = [contentOf(1, 140_000), contentOf(2, 300)]
  const first = await open(directory, nodeDisk, 100_000)
  await accept(first.spool, large, { queueId: 'large00000' })
  await accept(first.spool, small, { queueId: 'small00000' })
  await first.spool.close()
  const [oldest = ''] = readdirSync(join(directory, 'journal'))
  // The contents of the newest segment alone are checked at the start.
  await (await open(directory)).spool.close()
  damage(join(directory, 'large', 'large00000.eml'), large)
  damage(join(directory, 'journal', oldest), small)

  const [moving, moved, synced] = [1, 2, 3].map(() => Promise.withResolvers<void>()) as [Gate, Gate, Gate]
  let syncs = 0
  let reads = 0
  let isHeld = false
  const disk: Disk = {
    ...nodeDisk,
    create: async (path) => {
      const file = await nodeDisk.create(path)
      return {
        ...file,
        sync: async () => {
          if (isHeld) syncs += 1
          if (isHeld) await synced.promise
          return file.sync()
        },
      }
    },
    open: async (path) => {
      const file = await nodeDisk.open(path)
      return { ...file, read: (into, at) => file.read(into, at).finally(() => reads++) }
    },
    rename: async (from, to) => {
      if (!from.endsWith('/large00000.eml')) return nodeDisk.rename(from, to)
      moving.resolve()
      await moved.promise
      throw Object.assign(new Error('EIO'), { code: 'EIO' })
    },
  }
  const { spool, told } = await open(directory, disk)
  const reading = octets(spool.content('large00000')).catch(String)
  await moving.promise
  isHeld = true
  const removed = spool.remove('large00000')
  await until('its removal is written, and not synced', () => syncs === 1)
  moved.resolve()
  expect(await reading).toContain('is damaged')
  expect(told.lines.join()).toContain('can not be set aside')
  // Of a segment with damage all that is whole is copied at once.
  const before = reads
  await expect(octets(spool.content('small00000'))).rejects.toThrow('is damaged')
  await until('the cleaner has read what it may copy', () => reads > before + 2)
  await turns()
  synced.resolve()
  await removed
  await spool.close()
  const last = await open(directory)
  expect([last.spool.size, last.told.lines.filter((line) => line.startsWith('quarantined'))]).toEqual([0, []])
  await last.spool.close()
})

type Gate = ReturnType<typeof Promise.withResolvers<void>>

test('a large message that takes the queue id of one which has just left keeps its content, however long the disk takes to remove that of the former', async () => {
  const losing = new LosingDisk()
  const gate = Promise.withResolvers<void>()
  let removals = 0
  const unlink = async (path: string): Promise<void> => {
    if (path.endsWith('.eml') && removals++ === 0) await gate.promise
    return losing.disk.unlink(path)
  }
  const { events } = listening()
  const disk = { ...losing.disk, unlink }
  const spool = await JournalSpool.open({ directory: '/spool', events, now: Date.now, disk, closed: () => {} })
  await accept(spool, contentOf(1, 140_000), { queueId: 'dsn0000000' })
  await spool.remove('dsn0000000')
  const anew = accept(spool, contentOf(2, 140_000), { queueId: 'dsn0000000' })
  await turns()
  gate.resolve()
  await anew
  await turns()
  expect((await octets(spool.content('dsn0000000'))).equals(contentOf(2, 140_000))).toBe(true)
  await spool.close()
})

test('a segment that somebody opens again while it is deleted is not kept open: its room comes back', async () => {
  const directory = temporaryFolder()
  const content = contentOf(1, 300)
  const first = await open(directory)
  await accept(first.spool, content, { queueId: 'stays00000' })
  await first.spool.close()
  const [oldest = ''] = readdirSync(join(directory, 'journal'))
  const wrong = Promise.withResolvers<void>()
  const again = Promise.withResolvers<void>()
  // Not of the start.
  let reads = Number.NaN
  let deletes = false
  const disk: Disk = {
    ...nodeDisk,
    open: async (path) => {
      const file = await nodeDisk.open(path)
      if (basename(path) !== oldest) return file
      if (deletes) again.resolve()
      const read: typeof file.read = async (into, at) => {
        // The first read takes long, and is wrong.
        if (reads++ !== 0) return file.read(into, at)
        await wrong.promise
        return into.fill(0).length
      }
      return { ...file, read }
    },
    unlink: async (path) => {
      if (basename(path) === oldest) {
        deletes = true
        wrong.resolve()
        await again.promise
      }
      return nodeDisk.unlink(path)
    },
  }
  const { spool } = await open(directory, disk)
  reads = 0
  const reading = octets(spool.content('stays00000'))
  await until('it is being read', () => reads === 1)
  for (let n = 0; existsSync(join(directory, 'journal', oldest)); n += 1)
    await spool.remove((await accept(spool, contentOf(n, 900))).envelope.queueId)
  expect((await reading).equals(content)).toBe(true)
  await until('nobody has it open', () => !openFiles().some((path) => path.includes(oldest)))
  await spool.close()
})

test('a large content whose file the disk did not remove is removed with the next one, also where the disk did not fail otherwise', async () => {
  const directory = temporaryFolder()
  const failing = new FailingDisk()
  const { spool } = await open(directory, failing.disk)
  const left = () => readdirSync(join(directory, 'large')).toSorted()
  const names = ['large00001', 'large00002', 'large00003']
  for (const [n, queueId] of names.entries()) await accept(spool, contentOf(n, 140_000), { queueId })
  failing.failing.set('unlink large', 'EIO')
  for (const queueId of names.slice(0, 2)) await spool.remove(queueId)
  await until('removals have failed', () => failing.calls.filter((call) => call === 'unlink large').length === 2)
  await turns()
  expect(left()).toEqual(names.map((queueId) => `${queueId}.eml`))
  expect(spool.fault).toBeUndefined()
  failing.failing.clear()
  await spool.remove('large00003')
  await until('all are removed', () => left().length === 0)
  await spool.close()
})

test('a large report that is made anew after the disk did not remove its first try keeps its content when other mail leaves', async () => {
  const directory = temporaryFolder()
  const failing = new FailingDisk()
  const { spool } = await open(directory, failing.disk)
  await accept(spool, contentOf(1, 140_000), { queueId: 'large00001' })
  failing.failing.set('unlink large', 'EIO')
  const first = await spool.receive('dsn0000000')
  await first.write(contentOf(2, 140_000))
  await first.abort()
  failing.failing.clear()
  await accept(spool, contentOf(3, 140_000), { queueId: 'dsn0000000' })
  await spool.remove('large00001')
  await until('the other content is removed', () => !existsSync(join(directory, 'large', 'large00001.eml')))
  await turns()
  expect((await octets(spool.content('dsn0000000'))).equals(contentOf(3, 140_000))).toBe(true)
  await spool.close()
})

test('no file stays open of segments that are full, whose write failed or that could not be begun, of probes, and of what a start reads', async () => {
  const directory = temporaryFolder()
  const failing = new FailingDisk()
  for (const folder of ['journal', 'large', 'quarantine']) await nodeDisk.makeDirectory(join(directory, folder))
  const { events } = listening()
  const parts = { directory, events, now: Date.now, disk: failing.disk, segmentBytes: 1000, tryAgainMs: 1 }
  const spool = await JournalSpool.open({ ...parts, closed: () => {} })
  for (const n of [1, 2, 3]) await accept(spool, contentOf(n, 900), { queueId: `stays0000${n}` })
  failing.failing.set('sync journal', 'EIO')
  await expect(accept(spool, contentOf(4, 100))).rejects.toThrow('EIO')
  const begun = () => failing.calls.filter((call) => call === 'create journal').length
  const before = begun()
  await until('a new segment could not be begun', () => begun() > before + 2)
  failing.failing.clear()
  await until('the disk is sound', () => spool.fault === undefined)
  const reports = { queueId: 'stays00001', forwardPaths: draft.forwardPaths }
  await accept(spool, contentOf(5, 100), { queueId: 'dsn0000000', draft: { reports } })
  await spool.close()
  await (await JournalSpool.open({ ...parts, closed: () => {} })).close()
  expect(openFiles().filter((path) => path.startsWith(directory))).toEqual([])
})
