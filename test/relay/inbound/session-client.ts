/** A client for the model of a session: sends octets in any pieces, with or without TLS, and reads one reply at a time. */
import type { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { connect as connectTls, TLSSocket } from 'node:tls'
import type { Shown } from '../../client-certificates.ts'

/** How long is waited for what takes milliseconds on a machine at rest. */
const patienceMs = 20_000
const wholeReply = /^(?:\d{3}-[^\r\n]*\r\n)*\d{3} [^\r\n]*\r\n/

export class SessionClient {
  /** What was said so far, for people who look for what went wrong. */
  readonly transcript: string[] = []
  readonly #ca: string
  readonly #shown: Shown | undefined
  readonly #raw: Socket
  #socket: Socket
  #received = ''
  #isOver = false
  #hasHeard = false
  #changed = (): void => {}

  private constructor(raw: Socket, ca: string, shown: Shown | undefined) {
    this.#raw = raw
    this.#ca = ca
    this.#shown = shown
    this.#socket = this.#listenTo(raw)
  }

  /** `shown`: its own certificate, where it is asked for one. */
  static async connect(port: number, ca: string, isImplicit: boolean, shown?: Shown): Promise<SessionClient> {
    const client = new SessionClient(connect({ port, host: '127.0.0.1', noDelay: true }), ca, shown)
    if (isImplicit) await client.secure()
    return client
  }

  #listenTo(socket: Socket): Socket {
    const over = (): void => {
      if (this.#socket === socket) this.#isOver = true
      this.#changed()
    }
    socket.on('data', (chunk: Buffer) => {
      this.#received += chunk.toString('latin1')
      this.#changed()
    })
    // An error is the end of a connection as well, and 'close' follows.
    return socket.on('error', () => {}).on('close', over)
  }

  async secure(): Promise<void> {
    this.transcript.push('(TLS)')
    this.#raw.removeAllListeners('data')
    const secured = connectTls({ socket: this.#raw, servername: 'localhost', ca: this.#ca, ...this.#shown })
    this.#socket = this.#listenTo(secured)
    await once(secured, 'secureConnect')
    this.#hasHeard = false
  }

  /** What the relay has shown under TLS. */
  get certificate(): X509Certificate | undefined {
    return this.#socket instanceof TLSSocket ? this.#socket.getPeerX509Certificate() : undefined
  }

  /** Cuts are places at which `octets` (one character each) go in pieces, each in a turn of its own. */
  async send(octets: string, cuts: readonly number[], isLast: boolean): Promise<void> {
    this.transcript.push(...octets.split(/(?<=\r\n)/).map((line) => `C: ${JSON.stringify(line.slice(0, 200))}`))
    const places = [...new Set(cuts.map((cut) => cut % octets.length))].toSorted((a, b) => a - b)
    for (const [i, place] of [0, ...places].entries()) {
      if (i > 0) await turn()
      const piece = octets.slice(place, places[i])
      if (piece !== '' && this.#socket.writable) this.#socket.write(piece, 'latin1')
    }
    if (isLast) this.finish()
  }

  /** It has nothing more to say, and waits. */
  finish(): void {
    this.transcript.push('(end)')
    this.#socket.end()
  }

  /** Where nothing was heard under TLS, the relay may not have all of the handshake yet, and would tell of one that failed. */
  reset(): void {
    if (!this.#hasHeard) {
      this.finish()
      return
    }
    this.transcript.push('(reset)')
    this.#raw.resetAndDestroy()
  }

  /** The lines of the next reply, or none when the connection is over. */
  async reply(): Promise<readonly string[]> {
    await this.#until(() => wholeReply.test(this.#received) || this.#isOver)
    const [reply = ''] = wholeReply.exec(this.#received) ?? []
    this.#received = this.#received.slice(reply.length)
    this.#hasHeard = true
    this.transcript.push(reply === '' ? '(closed)' : `S: ${reply.trimEnd()}`)
    return reply === '' ? [] : reply.slice(0, -2).split('\r\n')
  }

  /** What came, and nobody asked for, up to the end of the connection. */
  async rest(): Promise<string> {
    await this.#until(() => this.#isOver)
    return this.#received
  }

  async #until(condition: () => boolean): Promise<void> {
    let isLate = false
    const late = setTimeout(() => {
      isLate = true
      this.#changed()
    }, patienceMs)
    while (!condition() && !isLate) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
    clearTimeout(late)
    if (isLate) throw new Error(`neither a reply nor the end of the connection came in ${patienceMs} ms`)
  }

  destroy(): void {
    this.#socket.destroy()
    this.#raw.destroy()
  }
}
