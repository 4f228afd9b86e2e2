/** Reading at the start: an error that goes away costs a moment; whether one that stays ends the start is the caller's word. */
import { setTimeout as pause } from 'node:timers/promises'
import { isOfTheMedium } from './disk-error.ts'

const pausesMs = [100, 300, 900]

/** @throws the disk's last error */
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
