/** Queue ids: in the order of time, unique over restarts and pods, and safe as file names on every file system. */
import { randomInt } from 'node:crypto'

const base = 36
const timeDigits = 9
const countDigits = 2
const originDigits = 4
const digits = (value: number, width: number): string => value.toString(base).padStart(width, '0')
/** The last digits of the time; those before them change only every 28 minutes. */
const lastDigits = 4
const perFirst = base ** lastDigits

/**
 * Makes queue ids: time, a count within the millisecond, and a number drawn once for this process. Only lower-case
 * letters, so that two ids never differ by case alone. A clock that steps back does not repeat an id.
 */
export function queueIds(now: () => number, origin: number = randomInt(base ** originDigits)): () => string {
  const ofProcess = digits(origin, originDigits)
  let at = 0
  let count = 0
  // Written out once: numbers of more than 32 bits are slow to write.
  let first = 0
  let firstDigits = digits(first, timeDigits - lastDigits)
  return () => {
    count += 1
    const time = now()
    if (time > at || count === base ** countDigits) {
      at = Math.max(time, at + 1)
      count = 0
    }
    if (first !== Math.floor(at / perFirst)) {
      first = Math.floor(at / perFirst)
      firstDigits = digits(first, timeDigits - lastDigits)
    }
    return firstDigits + digits(at % perFirst, lastDigits) + digits(count, countDigits) + ofProcess
  }
}

/** The text if it is a queue id, ours or one that a caller chose; undefined for everything else. */
export const parseQueueId = (text: string): string | undefined =>
  /^[0-9A-Za-z]{10,16}$/.exec(text)?.[0] === text ? text : undefined
