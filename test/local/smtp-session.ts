/** An SMTP client of few lines and no mercy: raw sockets, every reply seen, nothing repaired. Fast enough to load a relay. */
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext, TLSSocket } from 'node:tls'

export type SmtpReply = { readonly code: number; readonly text: string }

export type Access = {
  readonly host: string
  readonly port: number
  /** `None` is for receivers only. */
  readonly tls: 'StartTLS' | 'Implicit' | 'None'
  /** PEM of the authority that must have signed the certificate. */
  readonly ca?: string
  readonly servername?: string
  /** What is offered for the key exchange, e.g. `X25519`; absent: what Node offers. */
  readonly groups?: string
  /** Which of this machine's addresses the client has. */
  readonly localAddress?: string
  readonly login?: { readonly username: string; readonly password: string }
}

export type Submission = {
  readonly reversePath: string
  readonly forwardPaths: readonly string[]
  /** Dot-stuffed, ends with CRLF. */
  readonly content: Buffer
}

/** On the way to a session. */
export type Step = 'address' | 'connection' | 'greeting' | 'TLS'

type Waiter = { readonly resolve: (reply: SmtpReply) => void; readonly reject: (error: Error) => void }
const endOfData = Buffer.from('.\r\n')
const greetingMs = 30_000

// Making one costs more than the handshake.
const contexts = new Map<string, SecureContext>()
function contextFor({ ca, groups }: Access): SecureContext {
  const options = { ...(ca !== undefined && { ca }), ...(groups !== undefined && { ecdhCurve: groups }) }
  const key = JSON.stringify(options)
  const context = contexts.get(key) ?? createSecureContext(options)
  contexts.set(key, context)
  return context
}

const tlsOptionsOf = (access: Access) => ({
  secureContext: contextFor(access),
})

export class SmtpSession {
  #socket: Socket
  #waiting: Waiter[] = []
  /** Replies that came before anybody asked, e.g. the greeting. */
  #unasked: SmtpReply[] = []
  #lines: string[] = []
  #rest = ''
  #end: Error | undefined

  constructor(socket: Socket) {
    this.#socket = this.#attach(socket)
  }

  /** Connected and greeted; nothing said yet. `reached` hears how far it has come. */
  static async connect(access: Access, reached = (_step: Step): void => {}): Promise<SmtpSession> {
    const socket = access.tls === 'Implicit' ? connectTls({ ...access, ...tlsOptionsOf(access) }) : connectTcp(access)
    // A server that is killed while a client connects leaves some kernels with half a connection that nobody ends.
    socket.setTimeout(greetingMs, () => socket.destroy(new Error(`no greeting within ${greetingMs} ms`)))
    socket.once('lookup', () => reached('address')).once('connect', () => reached('connection'))
    const session = new SmtpSession(socket)
    await session.expect(session.reply(), 220)
    socket.setTimeout(0)
    return session
  }

  /** Connected, in TLS and logged in as `access` says: ready for MAIL. */
  static async open(access: Access, reached = (_step: Step): void => {}): Promise<SmtpSession> {
    const session = await SmtpSession.connect(access, reached)
    reached('greeting')
    await session.expect(session.command('EHLO client.test'), 250)
    if (access.tls === 'StartTLS') await session.startTls(access)
    reached('TLS')
    if (access.login) await session.expect(session.login(access.login), 235)
    return session
  }

  get closed(): boolean {
    return this.#end !== undefined
  }

  /** SHA-256 of the server's certificate; empty before TLS. */
  get certificate(): string {
    return this.#socket instanceof TLSSocket ? (this.#socket.getPeerX509Certificate()?.fingerprint256 ?? '') : ''
  }

  reply(): Promise<SmtpReply> {
    const early = this.#unasked.shift()
    if (early) return Promise.resolve(early)
    if (this.#end) return Promise.reject(this.#end)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  command(line: string): Promise<SmtpReply> {
    this.#socket.write(`${line}\r\n`, 'latin1')
    return this.reply()
  }

  write(bytes: Buffer | string): void {
    this.#socket.write(bytes)
  }

  async startTls(access: Access): Promise<void> {
    await this.expect(this.command('STARTTLS'), 220)
    const plain = this.#socket
    for (const event of ['data', 'error', 'close']) plain.removeAllListeners(event)
    const { host, servername } = access
    const secure = connectTls({ socket: plain, host, ...tlsOptionsOf(access), ...(servername && { servername }) })
    this.#socket = this.#attach(secure)
    await Promise.race([once(secure, 'secureConnect'), once(secure, 'close').then(() => Promise.reject(this.#end))])
    await this.expect(this.command('EHLO client.test'), 250)
  }

  login({ username, password }: { username: string; password: string }): Promise<SmtpReply> {
    return this.command(`AUTH PLAIN ${Buffer.from(`\0${username}\0${password}`).toString('base64')}`)
  }

  /** One whole transaction; the reply that ended it, be it a refusal on the way. */
  async submit({ reversePath, forwardPaths, content }: Submission): Promise<SmtpReply> {
    const mail = await this.command(`MAIL FROM:<${reversePath}>`)
    if (mail.code !== 250) return mail
    for (const forwardPath of forwardPaths) {
      const rcpt = await this.command(`RCPT TO:<${forwardPath}>`)
      if (rcpt.code !== 250) return rcpt
    }
    const data = await this.command('DATA')
    return data.code === 354 ? this.#sendContent(content) : data
  }

  async quit(): Promise<void> {
    await this.command('QUIT').catch(() => undefined)
    this.close()
  }

  close(): void {
    this.#socket.destroy()
    this.#fail(new Error('closed by us'))
  }

  async expect(reply: Promise<SmtpReply>, code: number): Promise<SmtpReply> {
    const got = await reply
    if (got.code !== code) throw new Error(`expected ${code}, got ${got.code} ${got.text}`)
    return got
  }

  #sendContent(content: Buffer): Promise<SmtpReply> {
    this.#socket.cork()
    this.#socket.write(content)
    this.#socket.write(endOfData)
    this.#socket.uncork()
    return this.reply()
  }

  #attach(socket: Socket): Socket {
    return socket
      .setNoDelay(true)
      .setEncoding('latin1')
      .on('data', (text: string) => this.#read(text))
      .on('error', (error: Error) => this.#fail(error))
      .on('close', () => this.#fail(new Error('connection closed by the server')))
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split('\r\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) {
      this.#lines.push(line)
      if (line[3] !== '-') this.#give({ code: Number(line.slice(0, 3)), text: this.#taken() })
    }
  }

  #taken(): string {
    return this.#lines
      .splice(0)
      .map((line) => line.slice(4))
      .join('\n')
  }

  #give(reply: SmtpReply): void {
    const waiter = this.#waiting.shift()
    if (waiter) waiter.resolve(reply)
    else this.#unasked.push(reply)
  }

  #fail(error: Error): void {
    this.#end ??= error
    for (const waiter of this.#waiting.splice(0)) waiter.reject(this.#end)
  }
}
