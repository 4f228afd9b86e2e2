/**
 * Ends this process even while a call to the disk, or the look-up of a name, hangs: process.exit would wait for the threads of such
 * calls, without an end.
 */
import { setTimeout as sleep } from 'node:timers/promises'

/** So long calls that are still under way at the end may take; where the disk is well, they take milliseconds. */
const lastCallsMs = 5000
const lookMs = 10

/**
 * Never returns. `isLate`: nothing is waited for any more. `hangs` is called where a call to the disk hangs, `close` in any case
 * before the end.
 */
export async function endProcess(isLate: boolean, hangs: () => void, close: () => void): Promise<void> {
  const end = performance.now() + (isLate ? 0 : lastCallsMs)
  while (isUnderWay(anyCall) && performance.now() < end) await sleep(lookMs)
  if (isUnderWay(diskCall)) hangs()
  close()
  // A kill is safe: what was acknowledged is on the disk, and what was not will be sent again by its client.
  if (isUnderWay(anyCall)) process.kill(process.pid, 'SIGKILL')
  process.exit(0)
}

const diskCall = /^FSReq/
/** A resolver that does not answer is asked for up to a minute, where a name may stand in several domains (resolv.conf, `search`). */
const anyCall = /^(FSReq|GetAddrInfoReq)/

const isUnderWay = (calls: RegExp): boolean => process.getActiveResourcesInfo().some((what) => calls.test(what))
