/** What has the name of a file of the spool, and is none, or says that it has gigabytes, neither holds up a start nor ends it. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { filled, found } from './filled.ts'

const pipe = (path: string): void => void execFileSync('mkfifo', [path])
/** A pipe, whose opening waits for its other end, and what can not be opened, read or removed as a file. */
const noFiles = {
  'a pipe': pipe,
  'a folder': (path: string): void => void mkdirSync(path),
  'a socket': (path: string): Promise<void> =>
    new Promise((resolve) => {
      const server = createServer().listen(path, resolve)
      onTestFinished(() => void server.close())
    }),
}

test.each([
  ['a pipe', 'journal', '0000000009-0011223344556677.log', 'holds no whole record'],
  ['a folder', 'journal', '0000000009-0011223344556677.log', 'is no file'],
  ['a socket', 'journal', '0000000009-0011223344556677.log', 'is no file'],
  ['a folder', 'journal', '0000000009-0011223344556677.log.tmp', 'is a folder'],
  ['a pipe', 'large', '0zzzzzzzzzzzzz.eml', 'no record names it, and records are damaged'],
  ['a folder', 'large', 'probe', 'is a folder'],
] as const)('%s as %s/%s is set aside, and the start goes on (case S12)', async (what, folder, name, why) => {
  const spool = await filled()
  await noFiles[what](join(spool.directory, folder, name))
  // A file that is not known counts as damage, so that nothing is swept.
  writeFileSync(join(spool.directory, 'journal', 'notes.txt'), '')
  const { ids, told, setAside } = await found(spool, 2)
  expect(ids).toEqual([spool.small, spool.large, spool.last])
  expect(told).toContainEqual(`quarantined /${folder}/${name}: ${why}`)
  expect(setAside.toSorted()).toEqual([name, 'notes.txt'].toSorted())
})

test.each([
  ['a file of somebody else', '0000000009-0011223344556677.log', ['holds no whole record']],
  ['a segment of ours with a hole behind its records', undefined, []],
])('%s that says that it has gigabytes takes no more memory than a segment may have (case S12)', async (_what, name, whys) => {
  const spool = await filled()
  await found(spool)
  const large = name === undefined ? spool.segment : join(spool.directory, 'journal', name)
  writeFileSync(large, '', { flag: 'a' })
  truncateSync(large, 2_400_000_000)
  const before = process.memoryUsage.rss()
  const { ids, told } = await found(spool, whys.length)
  expect(process.memoryUsage.rss() - before).toBeLessThan(600_000_000)
  expect(ids).toEqual([spool.small, spool.large, spool.last])
  for (const why of whys) expect(told[0]).toContain(why)
})

test('a pipe as the identity, or as the note of who has the lock, holds no start up (case S12)', async () => {
  const spool = await filled()
  for (const name of ['identity', 'lock.holder']) {
    rmSync(join(spool.directory, name))
    pipe(join(spool.directory, name))
  }
  const { ids } = await found(spool)
  expect(ids).toEqual([spool.small, spool.large, spool.last])
})
