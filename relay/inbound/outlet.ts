/** The replies to a client: those of one turn go out in one write, and a client that does not read them is not read from either. */
import type { Socket } from 'node:net'
import type { Handling } from './inlet.ts'
import { unreadBytes } from './limits.ts'

export class Outlet {
  #said = ''
  #isUnread = false

  /** We wait for the client to read its replies. */
  get isUnread(): boolean {
    return this.#isUnread
  }

  say(lines: string): void {
    this.#said += lines
  }

  /** Writes what was gathered; without a socket that can be written to it is dropped. */
  flush(socket: Socket | undefined): void {
    const said = this.#said
    this.#said = ''
    if (said !== '' && socket?.writable) socket.write(said)
  }

  /** A promise while `unreadBytes` or more wait to be read: replies to a client that never reads would pile up here (case R03). */
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

/** Resolves when the replies have left this process, or the client is gone. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      socket.off('drain', over).off('close', over)
      resolve()
    }
    socket.on('drain', over).on('close', over)
  })
}
