/**
 * A descriptor on which writes never wait for a reader (O_NONBLOCK). That is a property of the open file, and other processes may
 * share that and expect their writes to wait: so a pipe or a terminal is opened once more.
 */
import { constants, fstatSync, openSync } from 'node:fs'
import { Socket } from 'node:net'

/** Returns `fd` itself for a file on a disk, which has no reader to wait for. */
export function withoutWaiting(fd: number): number {
  if (fstatSync(fd).isFile()) return fd
  const { O_WRONLY, O_APPEND, O_NONBLOCK, O_NOCTTY } = constants
  try {
    return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY)
  } catch {
    return madeNotToWait(fd)
  }
}

/** For what can not be opened once more: a socket, or a pipe of another user. Node sets O_NONBLOCK on what it makes a stream of. */
function madeNotToWait(fd: number): number {
  try {
    new Socket({ fd, readable: false, writable: true }).unref()
  } catch {
    // A terminal of another user: writes to it may wait, as where somebody stops its output (Ctrl-S).
  }
  return fd
}
