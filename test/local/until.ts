/** Waits until a condition holds, instead of for a fixed time. */
import { setTimeout as sleep } from 'node:timers/promises'

const pollMs = 10
/** A question that takes long is asked more rarely, so that a busy machine is left to what is waited for. */
const restPerAsking = 4
const longestRestMs = 250

/** What a probe answers while the condition does not hold: a match or an entry that is not there yet, too. */
type NotYet = undefined | null | false

/**
 * Calls `probe` until its value is none of undefined, null and false, and returns that. A number is no answer, since 0 would be one.
 * @throws Error naming `what` when the deadline passes.
 */
export async function until<T extends object | string | true>(
  what: string,
  probe: () => T | NotYet | Promise<T | NotYet>,
  deadlineMs = 15_000,
  everyMs = pollMs,
): Promise<T> {
  const end = performance.now() + deadlineMs
  for (;;) {
    const asked = performance.now()
    const value = await probe()
    if (value !== undefined && value !== null && value !== false) return value
    const now = performance.now()
    if (now > end) throw new Error(`${what}: not within ${deadlineMs} ms`)
    await sleep(Math.max(everyMs, Math.min(longestRestMs, restPerAsking * (now - asked))))
  }
}
