/**
 * A descriptor on which a write never waits for a reader. Whether it waits is a property of what was opened, which other
 * processes may write to as well: so a pipe and a terminal are opened once more.
 */
import { constants, fstatSync, openSync } from 'node:fs'
import { Socket } from 'node:net'

/** A disk has no reader to wait for. */
export function withoutWaiting(fd: number): number {
  if (fstatSync(fd).isFile()) return fd
  const { O_WRONLY, O_APPEND, O_NONBLOCK, O_NOCTTY } = constants
  try {
    return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY)
  } catch {
    return madeNotToWait(fd)
  }
}

/** A socket can not be opened once more, and a pipe of another user may not be. Node makes what it has a stream on not wait. */
function madeNotToWait(fd: number): number {
  try {
    new Socket({ fd, readable: false, writable: true }).unref()
  } catch {
    // A terminal of another user: whoever holds it still, holds the process.
  }
  return fd
}
