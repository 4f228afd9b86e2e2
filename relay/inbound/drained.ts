/** Waits until what was said to a client has left this process, or the client is gone. */
import type { Socket } from 'node:net'

export function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      socket.off('drain', over).off('close', over)
      resolve()
    }
    socket.on('drain', over).on('close', over)
  })
}
