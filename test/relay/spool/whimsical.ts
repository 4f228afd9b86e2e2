/** The disk that is given, but each call takes its time and sometimes fails: before it has done anything, or after all of it. */
import { basename, dirname } from 'node:path'
import type { Disk, DiskFile } from '../../../relay/spool/disk.ts'

export type Whims = {
  readonly dice: () => number
  /** The probability that a call fails now, from 0 to 1; `codes` are the errors that it may fail with. */
  readonly failures: () => number
  readonly codes: () => readonly string[]
  /** A call that always fails now in one folder, as `rename journal`. */
  readonly ill?: () => string | undefined
}

export async function turns(dice: () => number): Promise<void> {
  for (let n = Math.floor(dice() ** 3 * 12); n > 0; n -= 1) await new Promise((resolve) => setImmediate(resolve))
}

export function whimsical(disk: Disk, { dice, failures, codes, ill = () => undefined }: Whims): Disk {
  const fail = (): never => {
    const code = codes()[Math.floor(dice() * codes().length)]
    throw Object.assign(new Error(`${code}: a whim`), { code })
  }
  const call = async <T>(name: string, folder: string, deed: () => Promise<T>): Promise<T> => {
    await turns(dice)
    const fails = dice() < failures() || ill() === `${name} ${basename(folder)}`
    if (fails && dice() < 0.7) fail()
    const result = await deed()
    if (fails) fail()
    await turns(dice)
    return result
  }
  const file = (path: string, { write, read, sync, truncate, close }: DiskFile): DiskFile => {
    const folder = dirname(path)
    return {
      write: (...given) => call('write', folder, () => write(...given)),
      read: (...given) => call('read', folder, () => read(...given)),
      sync: () => call('sync', folder, sync),
      truncate: (bytes) => call('truncate', folder, () => truncate(bytes)),
      close,
    }
  }
  return {
    create: (path) => call('create', dirname(path), async () => file(path, await disk.create(path))),
    open: (path) => call('open', dirname(path), async () => file(path, await disk.open(path))),
    openToWrite: (path) => call('openToWrite', dirname(path), async () => file(path, await disk.openToWrite(path))),
    size: (path) => call('size', dirname(path), () => disk.size(path)),
    isFile: (path) => call('isFile', dirname(path), () => disk.isFile(path)),
    list: (path) => call('list', path, () => disk.list(path)),
    rename: (from, to) => call('rename', dirname(from), () => disk.rename(from, to)),
    unlink: (path) => call('unlink', dirname(path), () => disk.unlink(path)),
    makeDirectory: (path) => call('makeDirectory', path, () => disk.makeDirectory(path)),
    syncDirectory: (path) => call('syncDirectory', path, () => disk.syncDirectory(path)),
    space: (path) => call('space', path, () => disk.space(path)),
  }
}
