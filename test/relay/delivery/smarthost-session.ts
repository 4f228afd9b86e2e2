/** One connection of a scripted smarthost: it takes lines and contents out of what arrives, and does as the script says. */
import type { Socket } from 'node:net'
import { type Behaviour, isPositive, perform, type ScriptStage } from './behaviour.ts'

export type Received = {
  readonly mail: string
  readonly rcpt: readonly string[]
  readonly content: Buffer
  readonly connection: number
}

export type Host = {
  readonly behaviourOf: (stage: ScriptStage, line: string) => Behaviour
  readonly onLine: (line: string) => void
  readonly onReceived: (mail: Omit<Received, 'connection'>) => void
  /** Called after the positive reply to STARTTLS; absent in a smarthost that only pretends to offer it. */
  readonly upgrade?: ((socket: Socket) => void) | undefined
  readonly contentOctets: number
}

const verbs: readonly ScriptStage[] = ['EHLO', 'STARTTLS', 'AUTH', 'RSET', 'MAIL', 'RCPT', 'DATA', 'QUIT']

export class SmarthostSession {
  readonly #socket: Socket
  readonly #host: Host
  #text = ''
  #inContent = false
  #contentTold = false
  #mail = ''
  #rcpt: string[] = []
  #said = Promise.resolve()

  constructor(socket: Socket, host: Host, greet: boolean) {
    this.#socket = socket
    this.#host = host
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1')
      while (this.#inContent ? this.#takeContent() : this.#takeLine());
    })
    if (greet) this.#do('banner', '')
  }

  #do(stage: ScriptStage, line: string): Behaviour {
    const behaviour = this.#host.behaviourOf(stage, line)
    // Replies do not mix, even if one is sent in pieces.
    this.#said = this.#said.then(() => perform(this.#socket, behaviour))
    return behaviour
  }

  #takeLine(): boolean {
    const end = this.#text.indexOf('\r\n')
    if (end < 0) return false
    const line = this.#text.slice(0, end)
    this.#text = this.#text.slice(end + 2)
    this.#host.onLine(line)
    const stage = verbs.find((verb) => line.toUpperCase().startsWith(verb)) ?? 'other'
    this.#after(stage, line, this.#do(stage, line))
    return true
  }

  #after(stage: ScriptStage, line: string, done: Behaviour): void {
    if (stage === 'MAIL') {
      this.#mail = line
      this.#rcpt = []
    }
    if (stage === 'RCPT' && isPositive(done)) this.#rcpt.push(line)
    if (stage === 'DATA') this.#inContent = /^354/.test(String(done.says ?? ''))
    if (stage !== 'STARTTLS' || !isPositive(done) || this.#host.upgrade === undefined) return
    this.#socket.removeAllListeners('data')
    this.#host.upgrade(this.#socket)
  }

  #takeContent(): boolean {
    if (!this.#contentTold && this.#text.length >= this.#host.contentOctets) {
      this.#contentTold = true
      this.#do('content', '')
    }
    const end = `\r\n${this.#text}`.indexOf('\r\n.\r\n')
    if (end < 0) return false
    const encoded = this.#text.slice(0, end)
    this.#text = this.#text.slice(end + 3)
    this.#inContent = false
    const content = encoded.replace(/^\./, '').replaceAll('\r\n.', '\r\n')
    const received = { mail: this.#mail, rcpt: this.#rcpt, content: Buffer.from(content, 'latin1') }
    if (isPositive(this.#do('dot', ''))) this.#host.onReceived(received)
    return true
  }
}
