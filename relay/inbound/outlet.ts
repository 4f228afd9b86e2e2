/** What is said to a client: replies that come together go out together, and who does not read them is not heard before it has. */
import type { Socket } from 'node:net'
import type { Handling } from './inlet.ts'
import { unreadBytes } from './limits.ts'

export class Outlet {
  #said = ''
  #isUnread = false

  /** It is the client that we wait for, to read. */
  get isUnread(): boolean {
    return this.#isUnread
  }

  say(lines: string): void {
    this.#said += lines
  }

  /** Without a socket that is open in our direction nobody hears it. */
  flush(socket: Socket | undefined): void {
    const said = this.#said
    this.#said = ''
    if (said !== '' && socket?.writable) socket.write(said)
  }

  /** While it has much to read: its replies would pile up here (case R03). */
  unread(socket: Socket): Handling {
    if (this.#said.length + socket.writableLength < unreadBytes) return undefined
    this.flush(socket)
    if (!socket.writableNeedDrain) return undefined
    this.#isUnread = true
    return drained(socket).finally(() => {
      this.#isUnread = false
    })
  }
}

/** What was said has left this process, or the client is gone. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      socket.off('drain', over).off('close', over)
      resolve()
    }
    socket.on('drain', over).on('close', over)
  })
}
