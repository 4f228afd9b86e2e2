/** A small SMTP client for tests: it shows every reply, repairs nothing, and is fast enough to put load on a relay. */
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext, TLSSocket } from 'node:tls'

export type SmtpReply = { readonly code: number; readonly text: string }

export type Access = {
  readonly host: string
  readonly port: number
  /** `None` is only for receivers: a relay has no plaintext listener. */
  readonly tls: 'StartTLS' | 'Implicit' | 'None'
  /** The authority that must have signed the server's certificate, in PEM. */
  readonly ca?: string
  readonly servername?: string
  /** What the client offers for the key exchange, e.g. `X25519`; by default what Node offers. */
  readonly groups?: string
  /** The address of this machine that the client connects from. */
  readonly localAddress?: string
  readonly login?: { readonly username: string; readonly password: string }
}

export type Submission = {
  readonly reversePath: string
  readonly forwardPaths: readonly string[]
  /** Dot-stuffed, and ending with CR LF. */
  readonly content: Buffer
}

/** The steps until a session is open, each reported when it is done. */
export type Step = 'address' | 'connection' | 'greeting' | 'TLS'

type Waiter = { readonly resolve: (reply: SmtpReply) => void; readonly reject: (error: Error) => void }
const endOfData = Buffer.from('.\r\n')
const greetingMs = 30_000

// Contexts are kept, since making one costs more than the handshake.
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
  /** Replies that arrived before anybody waited for them, e.g. the greeting. */
  #unasked: SmtpReply[] = []
  #lines: string[] = []
  #rest = ''
  #end: Error | undefined

  constructor(socket: Socket) {
    this.#socket = this.#attach(socket)
  }

  /** Connects and reads the greeting, and sends nothing yet. `reached` is called for each step that is done. */
  static async connect(access: Access, reached = (_step: Step): void => {}): Promise<SmtpSession> {
    const socket = access.tls === 'Implicit' ? connectTls({ ...access, ...tlsOptionsOf(access) }) : connectTcp(access)
    // If a server is killed while a client connects, some kernels leave the client with a half-open connection that nobody ends.
    socket.setTimeout(greetingMs, () => socket.destroy(new Error(`no greeting within ${greetingMs} ms`)))
    socket.once('lookup', () => reached('address')).once('connect', () => reached('connection'))
    const session = new SmtpSession(socket)
    await session.expect(session.reply(), 220)
    socket.setTimeout(0)
    return session
  }

  /** Connects, and secures the session and logs in as `access` says; then it is ready for MAIL. */
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

  /** The SHA-256 fingerprint of the server's certificate; empty before TLS. */
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

  /** Submits one message; the last reply, which is a refusal if one of its commands was refused. */
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
