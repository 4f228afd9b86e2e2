/** Parts that live and end together: each runs until the signal ends, and one that ends sooner ends all. */
import { setTimeout as wait } from 'node:timers/promises'
import { ApiError } from './api/api-error.ts'
import { Deposed } from './write/apply.ts'
import { whyOf } from './write/refused.ts'

export type Part = (signal: AbortSignal) => Promise<void>

/**
 * How long the parts may take to end what they have under way: less than the 30 s after which a kubelet kills a pod
 * (terminationGracePeriodSeconds).
 */
const patienceMs = 20_000

/**
 * Resolves when every part has ended, after the signal.
 * @throws Error naming the part that failed, or ended by itself, or would not end.
 */
export async function together(
  parts: Readonly<Record<string, Part>>,
  signal: AbortSignal,
  patience = patienceMs,
): Promise<void> {
  const ending = new AbortController()
  const either = AbortSignal.any([signal, ending.signal])
  const failures: Error[] = []
  const left = new Set(Object.keys(parts))
  const live = async (name: string, part: Part): Promise<void> => {
    try {
      await part(either)
      if (!either.aborted) throw new Error('it ended by itself')
    } catch (error) {
      if (!either.aborted || !isEnd(error)) failures.push(new Error(`${name}: ${whyOf(error)}`, { cause: error }))
    }
    left.delete(name)
    ending.abort()
  }
  const all = Promise.all(Object.entries(parts).map(([name, part]) => live(name, part)))
  await ended(either)
  const waiting = new AbortController()
  await Promise.race([all, wait(patience, undefined, { signal: waiting.signal })])
  waiting.abort()
  if (left.size > 0) failures.push(new Error(`${[...left].join(', ')}: still at work ${patience} ms after the end`))
  if (failures[0] !== undefined) throw failures[0]
}

/** Resolves with the end of the signal. */
export async function ended(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
}

/** The errors that a part may end with once it was told to: they say that a request was cut off, and are no failure. */
const isEnd = (error: unknown): boolean =>
  error instanceof ApiError || error instanceof Deposed || (error as Partial<Error> | undefined)?.name === 'AbortError'
