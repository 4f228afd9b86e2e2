/** Waits in a test until a condition holds, and never for a fixed time. */
import { setTimeout as wait } from 'node:timers/promises'

/**
 * Calls `probe` until its value is neither undefined nor false, and returns that.
 * @throws Error when that takes longer than `withinMs`
 */
export async function eventually<T>(
  probe: () => T | Promise<T>,
  withinMs = 10_000,
): Promise<Exclude<T, undefined | false>> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const value = await probe()
    if (value !== undefined && value !== false) return value as Exclude<T, undefined | false>
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${probe.toString()}`)
    await wait(10)
  }
}
