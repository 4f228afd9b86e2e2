/** A page that is made once for all that ask for it meanwhile; however many ask, making it takes at most a tenth of the time. */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'

const restsPerMaking = 9
/** The longest rest: where one making took long because the machine was held up, the next one need not. */
const mostRestMs = 1000

/** Returns a function that asks for the page. Its making always begins after the question, so the page is never older than that. */
export function sharedPage<T>(make: () => T | Promise<T>): () => Promise<T> {
  let next: Promise<T> | undefined
  let before: Promise<unknown> = Promise.resolve()
  let freeAt = 0

  async function made(): Promise<T> {
    await before
    const restMs = freeAt - performance.now()
    // One turn later, so that all questions that are read in this turn share one page.
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
