/** The disk that is given, but each call takes its time and sometimes fails: before it has done anything, or after all of it. */
import type { Disk, DiskFile } from '../../../relay/spool/disk.ts'

export type Whims = {
  readonly dice: () => number
  /** The probability that a call fails now, from 0 to 1; `codes` are the errors that it may fail with. */
  readonly failures: () => number
  readonly codes: () => readonly string[]
}

export async function turns(dice: () => number): Promise<void> {
  for (let n = Math.floor(dice() ** 3 * 12); n > 0; n -= 1) await new Promise((resolve) => setImmediate(resolve))
}

export function whimsical(disk: Disk, { dice, failures, codes }: Whims): Disk {
  const fail = (): never => {
    const code = codes()[Math.floor(dice() * codes().length)]
    throw Object.assign(new Error(`${code}: a whim`), { code })
  }
  const late =
    <A extends unknown[], R>(call: (...given: A) => Promise<R>) =>
    async (...given: A): Promise<R> => {
      await turns(dice)
      const fails = dice() < failures()
      if (fails && dice() < 0.7) fail()
      const result = await call(...given)
      if (fails) fail()
      await turns(dice)
      return result
    }
  const file = ({ write, read, sync, truncate, close }: DiskFile): DiskFile => ({
    write: late(write),
    read: late(read),
    sync: late(sync),
    truncate: late(truncate),
    close,
  })
  return {
    create: late(async (path) => file(await disk.create(path))),
    open: late(async (path) => file(await disk.open(path))),
    openToWrite: late(async (path) => file(await disk.openToWrite(path))),
    size: late(disk.size),
    list: late(disk.list),
    rename: late(disk.rename),
    unlink: late(disk.unlink),
    makeDirectory: late(disk.makeDirectory),
    syncDirectory: late(disk.syncDirectory),
    space: late(disk.space),
  }
}
