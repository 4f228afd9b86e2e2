/** A file that was closed is not used by its number any more, which may be that of another file by then; and each write ends. */
import fs, { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { nodeDisk } from '../../../relay/spool/disk.ts'
import { temporaryFolder } from '../../local/temporary.ts'

test('a file that is closed twice closes no other one, and nothing is written by its old number (case S16)', async () => {
  const folder = temporaryFolder()
  const before = await nodeDisk.create(join(folder, 'before'))
  await before.close()
  // The kernel gives the lowest number that is free, so that this file has the one of the closed file now.
  const next = await nodeDisk.create(join(folder, 'next'))
  await before.close()
  const deeds = {
    write: () => before.write([Buffer.from('lost')], 0),
    read: () => before.read(Buffer.alloc(4), 0),
    sync: () => before.sync(),
    truncate: () => before.truncate(0),
  }
  for (const deed of Object.values(deeds)) await expect(deed()).rejects.toThrow('closed')
  await next.write([Buffer.from('kept')], 0)
  await next.sync()
  await next.close()
  expect(readFileSync(join(folder, 'next'), 'utf8')).toBe('kept')
})

test('a disk that takes no octet of a write, and says no error, is not asked for ever', async () => {
  const file = await nodeDisk.create(join(temporaryFolder(), 'file'))
  onTestFinished(() => file.close())
  let asked = 0
  const takesNothing = (...args: readonly unknown[]): void => {
    asked += 1
    const answer = args.at(-1) as (error: Error | null, written: number) => void
    setImmediate(() => answer(asked > 100 ? new Error('asked for ever') : null, 0))
  }
  const writev = vi.spyOn(fs, 'writev').mockImplementation(takesNothing as never)
  onTestFinished(() => writev.mockRestore())
  await expect(file.write([Buffer.from('mail')], 0)).rejects.toThrow('takes nothing')
})
