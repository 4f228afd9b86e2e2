/** While a call of a failing disk takes its time, a refusal keeps its reason, and a spool that is closed begins nothing more. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { nodeDisk } from '../../../relay/spool/disk.ts'
import { JournalSpool } from '../../../relay/spool/journal-spool.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { accept, contentOf, messagesOf } from './contents.ts'
import { FailingDisk } from './failing-disk.ts'
import { listening } from './samples.ts'

/** A spool on a disk one of whose calls takes its time, as calls do when a disk fails. */
async function opened() {
  const directory = temporaryFolder()
  for (const folder of ['journal', 'large', 'quarantine']) await nodeDisk.makeDirectory(join(directory, folder))
  const failing = new FailingDisk()
  const { promise: held, resolve: goOn } = Promise.withResolvers<void>()
  const slow: { call?: 'create' | 'truncate'; isAsked: boolean } = { isAsked: false }
  const passes = async (call: 'create' | 'truncate'): Promise<void> => {
    if (slow.call !== call) return
    slow.isAsked = true
    await held
  }
  const create: typeof failing.disk.create = async (path) => {
    await passes('create')
    const file = await failing.disk.create(path)
    return { ...file, truncate: (bytes) => passes('truncate').then(() => file.truncate(bytes)) }
  }
  const told = listening()
  const atTheEnd: string[] = []
  const journal = () => readdirSync(join(directory, 'journal'))
  const spool = await JournalSpool.open({
    directory,
    events: told.events,
    now: Date.now,
    disk: { ...failing.disk, create },
    tryAgainMs: 1,
    closed: () => void atTheEnd.push(...journal()),
  })
  onTestFinished(() => {
    goOn()
    return spool.close()
  })
  return { spool, failing, told, slow, goOn, journal, atTheEnd }
}

test('a message that is refused is told why, also where the journal is mended before the segment that failed is cut off (case S16)', async () => {
  const { spool, failing, told, slow, goOn } = await opened()
  slow.call = 'truncate'
  failing.failing.set('sync journal', 'ENOSPC')
  const refused = accept(spool, contentOf(1, 10)).catch((error: unknown) => error)
  await until('the segment is to be cut off', () => slow.isAsked)
  failing.failing.clear()
  await until('the spool takes mail again', () => spool.fault === undefined)
  goOn()
  expect(await refused).toMatchObject({ kind: 'full', message: expect.stringContaining('ENOSPC') })
  expect(told.lines.filter((line) => line.includes('undefined'))).toEqual([])
  expect(await messagesOf(spool)).toEqual([])
})

test('a spool that is closed while it is being mended begins no segment afterwards, when the folder is another relay’s (case S21)', async () => {
  const { spool, failing, slow, goOn, journal, atTheEnd } = await opened()
  failing.failing.set('sync journal', 'EIO')
  await expect(accept(spool, contentOf(1, 10))).rejects.toThrow('EIO')
  slow.call = 'create'
  failing.failing.clear()
  await until('a segment is to be begun', () => slow.isAsked)
  const closed = spool.close()
  goOn()
  await closed
  const made = (call: string) => failing.calls.filter((each) => each === `${call} journal`).length
  await until('each file is closed', () => made('close') === made('create'))
  expect(journal()).toEqual(atTheEnd)
})
