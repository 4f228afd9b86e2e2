/** After a volume was away and is mounted again, open attempts are noted in the file where the next start looks (case S04). */
import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { OpenAttempts } from '../../../relay/delivery/open-attempts.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { idsIn } from './attempts-file.ts'

/** Descriptors from before the volume was away: each call on them fails, as with FUSE and NFS. */
const dead = vi.hoisted(() => new Set<number>())

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>()
  const write = (fd: number, ...rest: readonly unknown[]): void => {
    const told = rest.at(-1) as (error: Error) => void
    if (dead.has(fd)) setImmediate(told, Object.assign(new Error('socket is not connected'), { code: 'ENOTCONN' }))
    else Reflect.apply(fs.write, fs, [fd, ...rest])
  }
  const openSync = (...rest: Parameters<typeof fs.openSync>): number => {
    const fd = fs.openSync(...rest)
    opened.push(fd)
    return fd
  }
  const close = (fd: number, told: (error: Error | null) => void): void => {
    if (dead.has(fd)) setImmediate(told, Object.assign(new Error('socket is not connected'), { code: 'ENOTCONN' }))
    else fs.close(fd, told)
  }
  return { ...fs, default: fs, write, openSync, close }
})
const opened = vi.hoisted((): number[] => [])

test('after a volume was mounted again, the attempts that are open are in the file that is on it now (case S04)', async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'open-attempts')
  const attempts = new OpenAttempts(path, (error) => expect.fail(String(error)))
  attempts.takeLeft()
  const before = attempts.begin('0aaaaaaaaaaaaaa')
  await attempts.written()
  for (const fd of opened) dead.add(fd)
  renameSync(folder, `${folder}.away`)
  onTestFinished(() => rmSync(`${folder}.away`, { recursive: true, force: true }))
  attempts.begin('0bbbbbbbbbbbbbb')
  await attempts.written()
  renameSync(`${folder}.away`, folder)
  attempts.end(before)
  attempts.begin('0cccccccccccccc')
  await attempts.written()
  expect(idsIn(path).toSorted()).toEqual(['0bbbbbbbbbbbbbb', '0cccccccccccccc'])
  await attempts.close()
})

test('a relay ends in order also where the file of open attempts can not be closed (case S27)', async () => {
  const folder = temporaryFolder()
  const attempts = new OpenAttempts(join(folder, 'open-attempts'), (error) => expect.fail(String(error)))
  for (const fd of opened) dead.add(fd)
  await expect(attempts.close()).resolves.toBeUndefined()
})
