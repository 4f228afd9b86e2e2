/** A receiver that takes CR, LF and CR LF for the end of a line, as careless ones do: SMTP smuggling needs one at the far end. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

export type Mail = { readonly reversePath: string; readonly lines: readonly string[] }

export type GullibleReceiver = { readonly port: number; readonly mails: Mail[]; stop(): void }

export async function startGullibleReceiver(): Promise<GullibleReceiver> {
  const mails: Mail[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.setEncoding('latin1').on('error', () => {}))
    socket.write('220 gullible.test ESMTP\r\n')
    const session = new Session(mails)
    socket.on('data', (text: string) => {
      for (const reply of session.take(text)) socket.write(`${reply}\r\n`)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = (): void => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return { port: (server.address() as AddressInfo).port, mails, stop }
}

class Session {
  readonly #mails: Mail[]
  #rest = ''
  #reversePath = ''
  /** The lines so far of the content that is being received. */
  #lines: string[] | undefined

  constructor(mails: Mail[]) {
    this.#mails = mails
  }

  take(text: string): readonly string[] {
    // A CR at the very end may be the first half of CR LF.
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/)
    this.#rest = lines.pop() ?? ''
    return lines.flatMap((line) => this.#answer(line) ?? [])
  }

  #answer(line: string): string | undefined {
    if (this.#lines !== undefined) return this.#content(this.#lines, line)
    if (line.startsWith('DATA')) {
      this.#lines = []
      return '354 go on'
    }
    this.#reversePath = /^MAIL FROM:<(.*?)>/.exec(line)?.[1] ?? this.#reversePath
    return '250 2.0.0 ok'
  }

  #content(lines: string[], line: string): string | undefined {
    if (line !== '.') {
      lines.push(line.replace(/^\./, ''))
      return undefined
    }
    this.#mails.push({ reversePath: this.#reversePath, lines })
    this.#lines = undefined
    return '250 2.0.0 kept'
  }
}
