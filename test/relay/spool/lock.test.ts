/** A spool has one relay at a time, and a second one is told who has it. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openSpool } from '../../../relay/spool/file-spool.ts'
import { lockDirectory } from '../../../relay/spool/lock.ts'
import { standStill } from '../../local/stand-still.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { accept, contentOf } from './contents.ts'
import { listening } from './samples.ts'
import { smallVolume, smallVolumesGiven } from './small-volume.ts'
import { traceable } from './traceable.ts'

/** How often a look at the lock is to fail, as on a network that hiccups; and how often it was looked for. */
const hiccups = vi.hoisted(() => ({ left: 0, looks: 0 }))

vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof import('node:fs/promises')>()
  const stat = async (...rest: Parameters<typeof fs.stat>) => {
    if (!String(rest[0]).endsWith('/lock')) return fs.stat(...rest)
    hiccups.looks += 1
    if (hiccups.left === 0) return fs.stat(...rest)
    hiccups.left -= 1
    throw Object.assign(new Error('stale file handle'), { code: 'ESTALE' })
  }
  return { ...fs, default: fs, stat }
})

const spoolFile = new URL('../../../relay/spool/file-spool.ts', import.meta.url).pathname
const program = `
  const { openSpool } = await import(process.argv[1])
  const nothing = () => {}
  const events = { committed: nothing, forgotten: nothing, notDeleted: nothing, notStored: nothing, quarantined: nothing, recovered: nothing, spoolFault: nothing, spoolRecovered: nothing }
  try {
    await openSpool({ directory: process.argv[2], events })
    console.log('open')
    setInterval(nothing, 1000)
  } catch (error) {
    console.log(error.message)
  }
`

/** Another process opens the spool; its first line says how that went. */
async function other(
  directory: string,
  tracer: readonly string[] = [],
): Promise<{ readonly said: string; readonly child: ChildProcess }> {
  const [command = '', ...rest] = [...tracer, process.execPath, '--input-type=module', '-e', program, spoolFile]
  const child = spawn(command, [...rest, directory], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  if (child.stdout === null) throw new Error('no pipe')
  const [said] = await once(createInterface(child.stdout), 'line')
  return { said, child }
}

const open = (directory: string) => openSpool({ directory, events: listening().events })

test('a second process does not start, and is told who has the spool (case S21)', async () => {
  const directory = temporaryFolder()
  const { said, child } = await other(directory)
  expect(said).toBe('open')
  const mend = 'stop it, or give this relay another folder'
  const holder = `process ${child.pid} on ${hostname()} since`
  await expect(open(directory)).rejects.toThrow(
    new RegExp(`^spool ${directory} is in use by ${holder} [-0-9T:.]+Z: ${mend}$`),
  )
  const third = await other(directory)
  expect(third.said).toContain(holder)
})

test('a process that was killed leaves no lock', async () => {
  const directory = temporaryFolder()
  const { child } = await other(directory)
  child.kill('SIGKILL')
  await once(child, 'exit')
  const spool = await open(directory)
  expect(readFileSync(join(directory, 'lock.holder'), 'utf8')).toContain(`process ${process.pid} `)
  expect((await other(directory)).said).toContain('is in use by')
  await spool.close()
  expect((await other(directory)).said).toBe('open')
})

test('a process that has a spool cannot open it a second time, and can after it has closed it', async () => {
  const directory = temporaryFolder()
  const spool = await open(directory)
  await expect(open(directory)).rejects.toThrow('is in use by')
  // The failed try has not taken the lock away from the first.
  expect((await other(directory)).said).toContain('is in use by')
  await spool.close()
  await (await open(directory)).close()
})

test('a lock that is deleted under its relay is made anew, and lets nobody in (case S21)', async () => {
  const directory = temporaryFolder()
  const spool = await open(directory)
  for (const _time of ['once', 'and again']) {
    rmSync(join(directory, 'lock'))
    await until('the lock is there again', () => existsSync(join(directory, 'lock')))
    expect((await other(directory)).said).toContain('is in use by')
  }
  await spool.close()
  expect((await other(directory)).said).toBe('open')
})

test('a lock that can not be looked at for a moment counts as there, and is looked for on and on (case S21)', async () => {
  const directory = temporaryFolder()
  const spool = await open(directory)
  hiccups.left = 2
  await until('it was looked for twice', () => hiccups.left === 0)
  rmSync(join(directory, 'lock'))
  await until('the lock is there again', () => existsSync(join(directory, 'lock')))
  await spool.close()
})

test('a lock that can not be made anew is tried for on and on, and the relay goes on (case S21)', async () => {
  const directory = temporaryFolder()
  const lock = join(directory, 'lock')
  const spool = await open(directory)
  const { looks } = hiccups
  rmSync(lock)
  mkdirSync(lock)
  await until('it was tried twice', () => hiccups.looks >= looks + 3)
  await accept(spool, contentOf(1, 40))
  rmdirSync(lock)
  await until('the lock is there again', () => existsSync(lock))
  expect((await other(directory)).said).toContain('is in use by')
  await spool.close()
})

test('a process whose lock was deleted, and taken by another one, ends (case S21)', async () => {
  const directory = temporaryFolder()
  const { said, child } = await other(directory)
  expect(said).toBe('open')
  const ended = once(child, 'exit')
  // A lock that is only deleted it makes anew, and it may look for it at any moment.
  await standStill(child)
  rmSync(join(directory, 'lock'))
  const lock = lockDirectory(directory)
  child.kill('SIGCONT')
  expect(await ended).toEqual([1, null])
  lock.release()
})

test('a process whose folder has another spool by now, as of a volume that was mounted late, ends; its own one that comes back does not end it (cases S21, S30)', async () => {
  const folder = temporaryFolder()
  const at = (name: string) => join(folder, name)
  const [directory, late, early] = [at('spool'), at('late'), at('early')]
  await (await open(late)).close()
  const { child } = await other(directory)
  const ended = once(child, 'exit')
  renameSync(directory, early)
  renameSync(early, directory)
  rmSync(join(directory, 'lock'))
  await until('the lock is there again', () => existsSync(join(directory, 'lock')))
  renameSync(directory, early)
  renameSync(late, directory)
  expect(await ended).toEqual([1, null])
})

test.runIf(traceable())(
  'a folder that is exchanged for another spool between two steps of making its lock anew ends the process, too (cases S21, S30)',
  async () => {
    const folder = temporaryFolder()
    const at = (name: string) => join(folder, name)
    const directory = at('spool')
    const lock = join(directory, 'lock')
    await (await open(at('late'))).close()
    // SQLite opens the file, and then we do: at a start, and when it is made anew.
    const ofOurs = ['-P', lock, '-e', 'trace=openat', '-e', 'inject=openat:delay_enter=1000000:when=4']
    const { said, child } = await other(directory, ['strace', '-f', '-qq', '-o', '/dev/null', ...ofOurs])
    expect(said).toBe('open')
    const ended = once(child, 'exit')
    rmSync(lock)
    await until('the lock is there again', () => existsSync(lock))
    renameSync(directory, at('early'))
    renameSync(at('late'), directory)
    expect(await ended).toEqual([1, null])
  },
)

test.runIf(smallVolumesGiven())(
  'a process ends when a volume with another spool is mounted over its own (cases S21, S30)',
  async () => {
    const [volume, late] = [smallVolume('size=8m'), smallVolume('size=8m')]
    await (await open(join(late, 'spool'))).close()
    const { said, child } = await other(join(volume, 'spool'))
    expect(said).toBe('open')
    const inodes = [volume, late].map((at) => statSync(join(at, 'spool/lock')).ino)
    expect(inodes[0]).toBe(inodes[1])
    const ended = once(child, 'exit')
    execFileSync('mount', ['--bind', late, volume])
    onTestFinished(() => void execFileSync('umount', ['-l', volume]))
    expect(await ended).toEqual([1, null])
  },
)

// The kernel gives a lock to one process alone only on a file that can be written to.
test.runIf(smallVolumesGiven())(
  'of two relays that began on a read-only volume one ends when the volume can be written to, and neither writes before (cases S18, S21)',
  { timeout: 30_000 },
  async () => {
    const volume = smallVolume('size=8m')
    const remount = (how: string): void => void execFileSync('mount', ['-o', `remount,${how}`, volume])
    const directory = join(volume, 'spool')
    const segments = () => readdirSync(join(directory, 'journal')).length
    const before = await open(directory)
    await accept(before, contentOf(1, 40))
    await before.close()
    remount('ro')
    const [first, second] = [await other(directory), await other(directory)]
    expect([first.said, second.said]).toEqual(['open', 'open'])
    const ended = once(first.child, 'exit')
    await standStill(second.child)
    remount('rw')
    expect(await ended).toEqual([1, null])
    expect(segments()).toBe(1)
    second.child.kill('SIGCONT')
    await until('the relay that is left takes mail', () => segments() === 2)
    expect((await other(directory)).said).toContain(`is in use by process ${second.child.pid} `)
  },
)

test('a lock file that is none of ours is told by its path, and with what to do about it', async () => {
  const directory = temporaryFolder()
  const lock = join(directory, 'lock')
  writeFileSync(lock, 'of somebody else\n'.repeat(100))
  await expect(open(directory)).rejects.toThrow(
    `${lock} can not be used as the lock of this spool; while no relay runs it may be deleted: file is not a database`,
  )
  rmSync(lock)
  await (await open(directory)).close()
})
