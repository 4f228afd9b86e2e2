/** Waits for the end of something, and not for ever. */
import { wholeTurn } from './whole-turn.ts'

/** Undefined when it takes longer. What came while this process had no time to look came in time. @throws what it throws */
export async function within<T>(ms: number, done: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => void wholeTurn().then(() => resolve(undefined)), ms)
  })
  return Promise.race([done, late]).finally(() => clearTimeout(timer))
}
