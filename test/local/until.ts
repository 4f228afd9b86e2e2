/** Waits until a condition holds, instead of for a fixed time. */
import { setTimeout as sleep } from 'node:timers/promises'

const pollMs = 10
/** A question that takes long is asked more rarely, so that a busy machine is left to what is waited for. */
const restPerAsking = 4
const longestRestMs = 250

/**
 * Calls `probe` until its value is neither undefined nor false, and returns that.
 * @throws Error naming `what` when the deadline passes.
 */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  deadlineMs = 15_000,
  everyMs = pollMs,
): Promise<T> {
  const end = performance.now() + deadlineMs
  for (;;) {
    const asked = performance.now()
    const value = await probe()
    if (value !== undefined && value !== false) return value
    const now = performance.now()
    if (now > end) throw new Error(`${what}: not within ${deadlineMs} ms`)
    await sleep(Math.max(everyMs, Math.min(longestRestMs, restPerAsking * (now - asked))))
  }
}
