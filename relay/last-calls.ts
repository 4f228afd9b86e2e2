/** Ends this process where a call to the disk hangs, too: process.exit waits for the threads of all that are under way, without an end. */
import { setTimeout as sleep } from 'node:timers/promises'

/** Those that are under way when all else is done take milliseconds. */
const lastCallsMs = 5000
const lookMs = 10

/** `isLate`: nothing more is waited for. `hangs` is told before the end of a process that can not end otherwise. */
export async function endProcess(isLate: boolean, hangs: () => void, close: () => void): Promise<void> {
  const end = performance.now() + (isLate ? 0 : lastCallsMs)
  while (isAtTheDisk() && performance.now() < end) await sleep(lookMs)
  if (isAtTheDisk()) hangs()
  close()
  // What is acknowledged is on the disk, and what is not will be sent again, as after any kill.
  if (isAtTheDisk()) process.kill(process.pid, 'SIGKILL')
  process.exit(0)
}

const isAtTheDisk = (): boolean => process.getActiveResourcesInfo().some((what) => what.startsWith('FSReq'))
