/** Waits in turns of the event loop, for tests that hold the timers still. */
import { setImmediate as turn } from 'node:timers/promises'

/** How long is waited for what takes milliseconds on a machine at rest. */
const patienceMs = 20_000

/** @throws Error naming `what` when the condition does not come to hold. */
export async function inTurns(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + patienceMs
  while (!holds()) {
    if (performance.now() > end) throw new Error(`${what}: not within ${patienceMs} ms`)
    await turn()
  }
}
