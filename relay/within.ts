/** Waits for a promise, but not longer than a given time. */
import { wholeTurn } from './whole-turn.ts'

/**
 * What `done` resolves to; undefined when it takes longer than `ms`. What came while this process was held up came in time.
 * @throws what `done` rejects with.
 */
export async function within<T>(ms: number, done: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => void wholeTurn().then(() => resolve(undefined)), ms)
  })
  return Promise.race([done, late]).finally(() => clearTimeout(timer))
}
