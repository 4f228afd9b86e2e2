/** Repeats a read at the start: most errors of a disk soon go away. What to do about one that stays is up to the caller. */
import { setTimeout as pause } from 'node:timers/promises'
import { isAbsent, isOfTheMedium } from './disk-error.ts'

const pausesMs = [100, 300, 900]

/** Only errors of the medium are worth another read. @throws the disk's last error */
export async function again<T>(read: () => Promise<T>): Promise<T> {
  for (const ms of pausesMs) {
    try {
      return await read()
    } catch (error) {
      if (!isOfTheMedium(error)) throw error
      await pause(ms)
    }
  }
  return read()
}

/** The same for a small file that is read at once, before this process has anything else to do. One that is absent is not waited for. */
export function againAtOnce<T>(read: () => T): T {
  for (const ms of pausesMs) {
    try {
      return read()
    } catch (error) {
      if (!isOfTheMedium(error) || isAbsent(error)) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
    }
  }
  return read()
}
