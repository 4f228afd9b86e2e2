/** Waits until a condition holds, instead of for a fixed time. */
import { setTimeout as sleep } from 'node:timers/promises'

const pollMs = 10
/** A question that takes long is asked more rarely, so that a busy machine is left to what is waited for. */
const restPerAsking = 4
/** What has been waited for long is asked more rarely, too: a twentieth later is soon enough. */
const restPerWait = 1 / 20
const longestRestMs = 250

/** The milliseconds until it is asked again: after an asking that took `askedMs`, `waitedMs` since the first one. */
export const restMs = (askedMs: number, waitedMs: number): number =>
  Math.max(pollMs, Math.min(longestRestMs, Math.max(restPerAsking * askedMs, restPerWait * waitedMs)))

/** What a probe answers while the condition does not hold: a match or an entry that is not there yet, too. */
type NotYet = undefined | null | false

/**
 * Calls `probe` until its value is none of undefined, null and false, and returns that. A number is no answer, since 0 would be one.
 * With `everyMs`, as often as that.
 * @throws Error naming `what` when the deadline passes.
 */
export async function until<T extends object | string | true>(
  what: string,
  probe: () => T | NotYet | Promise<T | NotYet>,
  deadlineMs = 15_000,
  everyMs?: number,
): Promise<T> {
  const begin = performance.now()
  for (;;) {
    const asked = performance.now()
    const value = await probe()
    if (value !== undefined && value !== null && value !== false) return value
    const now = performance.now()
    if (now - begin > deadlineMs) throw new Error(`${what}: not within ${deadlineMs} ms`)
    await sleep(everyMs ?? restMs(now - asked, now - begin))
  }
}
