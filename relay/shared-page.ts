/** A page that is made once for all who ask for it meanwhile: however many ask, it takes a tenth of the time at most. */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'

const restsPerMaking = 9
/** A making that the machine itself held up is no measure of the next one. */
const mostRestMs = 1000

/** Whoever asks gets a page that is begun after that: it is never older than the question. */
export function sharedPage<T>(make: () => T | Promise<T>): () => Promise<T> {
  let next: Promise<T> | undefined
  let before: Promise<unknown> = Promise.resolve()
  let freeAt = 0

  async function made(): Promise<T> {
    await before
    const restMs = freeAt - performance.now()
    // Those whose question is read in the same turn are asked along with the first.
    await (restMs > 0 ? sleep(restMs) : turn())
    next = undefined
    const begun = performance.now()
    try {
      return await make()
    } finally {
      const end = performance.now()
      freeAt = end + Math.min(mostRestMs, restsPerMaking * (end - begun))
    }
  }

  return () => {
    if (next === undefined) {
      next = made()
      before = next.catch(() => undefined)
    }
    return next
  }
}
