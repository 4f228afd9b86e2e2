/** A spool keeps its id as long as its folder does, over starts, failing disks and losses of power. */
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { nodeDisk } from '../../../relay/spool/disk.ts'
import { openSpool } from '../../../relay/spool/file-spool.ts'
import { identityOf, isAnother } from '../../../relay/spool/identity.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { FailingDisk } from './failing-disk.ts'
import { LosingDisk } from './losing-disk.ts'
import { openFilesIn } from './open-files.ts'
import { listening } from './samples.ts'

async function openedIn(directory: string): Promise<string | undefined> {
  const spool = await openSpool({ directory, events: listening().events })
  await spool.close()
  return spool.identity
}

test('a spool has the same id each time that it is opened, and no other spool has it', async () => {
  const directory = temporaryFolder()
  const first = await openedIn(directory)
  expect(first).toMatch(/^[0-9a-f-]{36}$/)
  expect(await openedIn(directory)).toBe(first)
  expect(await openedIn(temporaryFolder())).not.toBe(first)
})

test('an emptied folder has another id (case S30)', async () => {
  const directory = temporaryFolder()
  const first = await openedIn(directory)
  rmSync(directory, { recursive: true })
  mkdirSync(directory)
  expect(await openedIn(directory)).not.toBe(first)
})

test('an identity file in which no id stands is replaced, once', async () => {
  const directory = temporaryFolder()
  writeFileSync(join(directory, 'identity'), '../../etc/passwd\n')
  const id = await identityOf(nodeDisk, directory)
  expect(readFileSync(join(directory, 'identity'), 'utf8')).toBe(`${id}\n`)
  expect(await identityOf(nodeDisk, directory)).toBe(id)
})

test('after any loss of power there is a whole id or none, and one that was told stays', async () => {
  const losing = new LosingDisk()
  const told = await identityOf(losing.disk, '/spool')
  const all = losing.deeds.length
  for (let deeds = 0; deeds <= all; deeds += 1) {
    for (const [i, share] of (['none', 'all', 'some'] as const).entries()) {
      const files = losing.after(deeds, { data: share, names: share, dice: () => (i + 0.5) / 3 })
      const id = await identityOf(new LosingDisk(files).disk, '/spool')
      if (deeds === all) expect(id).toBe(told)
      else expect(files.get('/spool/identity')?.toString() ?? `${told}\n`).toBe(`${told}\n`)
    }
  }
})

test.each([
  'create',
  'write',
  'sync',
  'rename',
  'syncDirectory',
])('a disk that fails at %s gives no id, and later a whole one', async (call) => {
  const directory = temporaryFolder()
  const failing = new FailingDisk()
  failing.failing.set(call, 'ENOSPC')
  await expect(identityOf(failing.disk, directory)).rejects.toThrow('ENOSPC')
  failing.failing.clear()
  const id = await identityOf(failing.disk, directory)
  expect(await identityOf(nodeDisk, directory)).toBe(id)
})

test('an identity that can not be read is told, and the spool opens without a fault', async () => {
  const directory = temporaryFolder()
  symlinkSync('identity', join(directory, 'identity'))
  const { events, lines } = listening()
  const spool = await openSpool({ directory, events })
  expect([spool.identity, spool.fault]).toEqual([undefined, undefined])
  expect(lines.filter((line) => line.startsWith('no identity'))).toEqual([
    expect.stringContaining(`no identity ${join(directory, 'identity')}: ELOOP`),
  ])
  await spool.close()
})

test('an identity that can not be read is not replaced', async () => {
  const directory = temporaryFolder()
  const id = await identityOf(nodeDisk, directory)
  const failing = new FailingDisk()
  failing.failing.set('read', 'EIO')
  await expect(identityOf(failing.disk, directory)).rejects.toThrow('EIO')
  expect(await identityOf(nodeDisk, directory)).toBe(id)
})

const other = '00000000-0000-4000-8000-000000000000'

test.each<[string, string | undefined, string | undefined, boolean]>([
  ['has the id of another one', other, undefined, true],
  ['has its own', undefined, undefined, false],
  ['has a file in which no id stands', 'torn', undefined, false],
  ['can not be read', other, 'EIO', false],
])('a folder that %s tells so whether it is another spool by now (case S21)', async (_what, written, code, is) => {
  const directory = temporaryFolder()
  const id = await identityOf(nodeDisk, directory)
  if (written !== undefined) writeFileSync(join(directory, 'identity'), `${written}\n`)
  const failing = new FailingDisk()
  if (code !== undefined) failing.failing.set('read', code)
  expect(await isAnother(failing.disk, directory, id)).toBe(is)
  expect(openFilesIn(directory)).toEqual([])
})
