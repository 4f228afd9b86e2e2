/** The only user of smtp-server: sockets, TLS, lines and dots are its work; what is answered is ours. */
import type { AddressInfo, Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { createSecureContext, TLSSocket } from 'node:tls'
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server'
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js'
import { SMTPStream } from 'smtp-server/lib/smtp-stream.js'
import type { ListenerConfig } from '../config.ts'
import type { Reply } from '../mail/reply.ts'
import { type Refusal, refusal } from '../mail/rule.ts'
import { CommandLines } from './command-lines.ts'
import type { AuthAnswer, Conversation, Line } from './conversation.ts'
import { handshakeMs, idleMs, loginLineBytes } from './limits.ts'
import { protocol } from './protocol.ts'
import { fateOf } from './verbs.ts'
import { fromServer, toWire } from './wire.ts'

type Next = (error?: Error | null) => void

export type Certificate = { readonly cert: string; readonly key: string }

/** Begins the conversation of a client that has connected. */
export type Begin = (who: { readonly id: string; readonly client: string }, line: Line) => Conversation

export type Listener = {
  readonly address: string
  readonly port: number
  /** New handshakes use this; sessions go on. @throws Error when certificate and key can not be used. */
  renew(certificate: Certificate, minVersion: ListenerConfig['tls']['minVersion']): void
  /** Takes no new connections; sessions go on. */
  stop(): void
}

/** @throws Error when the address can not be bound or the certificate not be used. */
export async function openListener(config: ListenerConfig, certificate: Certificate, begin: Begin): Promise<Listener> {
  const server = new Server(config, certificate, begin)
  const net = server.server
  const opened = Promise.withResolvers<void>()
  net.once('listening', opened.resolve).once('error', opened.reject)
  net.listen(config.port, config.address)
  await opened.promise
  const { address, port } = net.address() as AddressInfo
  return {
    address,
    port,
    renew: (next, minVersion) => server.renew(next, minVersion),
    // Not SMTPServer.close(): that answers 421 to the next command of every session.
    stop: () => void net.close(),
  }
}

const secureOptions = ({ cert, key }: Certificate, minVersion: ListenerConfig['tls']['minVersion']) => {
  // smtp-server fills in its own private key, which all the world knows, where there is none.
  if (cert === '' || key === '') throw new Error('certificate or key is empty')
  const options = { cert, key, minVersion: `TLSv${minVersion}` } as const
  createSecureContext(options)
  return options
}

class Server extends SMTPServer {
  readonly #begin: Begin
  readonly #conversations = new WeakMap<SMTPServerSession, Conversation>()

  constructor(config: ListenerConfig, certificate: Certificate, begin: Begin) {
    super({
      ...secureOptions(certificate, config.tls.minVersion),
      // With needsUpgrade the handshake of an Implicit listener is the connection's, as it is after STARTTLS.
      ...(config.tls.mode === 'Implicit' && { secure: true, needsUpgrade: true }),
      authOptional: true,
      disableReverseLookup: true,
      hideENHANCEDSTATUSCODES: true,
      socketTimeout: idleMs,
      logger: false,
    })
    this.#begin = begin
  }

  renew(certificate: Certificate, minVersion: ListenerConfig['tls']['minVersion']): void {
    this.updateSecureContext(secureOptions(certificate, minVersion))
  }

  override connect(socket: Socket, options?: { id: string }): void {
    if (socket.destroyed) return
    const connection = new Connection(this, socket, options, this.#begin)
    this.#conversations.set(connection.session, connection.conversation)
    this.connections.add(connection)
    connection.init()
  }

  override onData(
    stream: SMTPServerDataStream,
    session: SMTPServerSession,
    callback: (error?: Error | null, message?: string) => void,
  ): void {
    const answer = async (): Promise<void> => {
      const said = await this.#conversations.get(session)?.receive(stream)
      if (!said) return
      if (said.code === 250) callback(null, `${said.status} ${said.text}`)
      else callback(toWire(said))
    }
    answer().catch((error: unknown) => {
      this.#conversations.get(session)?.broken(error)
      callback(toWire(refusal('always.unavailable').reply))
    })
  }

  /** Listening tells its own errors, connections theirs. */
  override _onError(): void {}
}

class Connection extends SMTPConnection implements Line {
  readonly conversation: Conversation
  #draining = false
  #handshaking: Socket | undefined
  #handshakeDeadline: NodeJS.Timeout | undefined
  #failure: string | undefined

  constructor(server: Server, socket: Socket, options: { id: string } | undefined, begin: Begin) {
    super(server, socket, options ?? null)
    this.conversation = begin({ id: this.id, client: this.remoteAddress }, this)
  }

  // Line

  hangUp(last: Reply): void {
    if (this._upgrading) {
      this.destroy()
      return
    }
    this.#say(last)
    this.close()
  }

  drain(): void {
    this.#draining = true
    if (this.conversation.idle) this.hangUp(refusal('always.shutdown').reply)
  }

  destroy(): void {
    // During a handshake the upper socket takes the lower one with it; the other way round is not safe in Node.
    const socket = this._upgrading ? (this.#handshaking ?? this._socket) : this._socket
    socket.destroy()
  }

  // What the gate asks and tells

  get ready(): boolean {
    return this._ready
  }

  get inLogin(): boolean {
    return this._nextHandler !== false
  }

  violated(refused: Refusal): void {
    this.hangUp(this.conversation.refuse('connect', refused))
  }

  // The life of a connection

  override _createParser(): SMTPStream {
    return new Gate(this)
  }

  /** One turn of the event loop instead of 100 ms: what came with the connection is seen before we greet (case P17). */
  override init(): void {
    this._setListeners(() => setImmediate(() => this.connectionReady()))
  }

  override connectionReady(): void {
    if (this._closing || this._closed) return
    this._setClientHostname('')
    this._resetSession()
    const refused = this.conversation.connect()
    if (refused) {
      this.hangUp(refused)
      // Who is sent away holds no descriptor until it closes its own side.
      this._socket.destroySoon()
    } else {
      this._ready = true
      super.send(220, `${this.conversation.hostname} ESMTP`, false)
    }
  }

  override upgrade(callback: () => void, secured?: () => void): void {
    super.upgrade(callback, () => {
      clearTimeout(this.#handshakeDeadline)
      this._armTimeout()
      this.conversation.secured((this._socket instanceof TLSSocket && this._socket.getProtocol()) || 'TLS')
      secured?.()
    })
  }

  /** A handshake has a deadline; octets do not put it off. */
  override _armTimeout(socket: Socket = this._socket): void {
    if (this._upgrading) {
      this.#handshaking = socket
      this.#handshakeDeadline = setTimeout(() => this.destroy(), handshakeMs)
    } else super._armTimeout(socket)
  }

  override _resetSession(): void {
    super._resetSession()
    this.conversation.reset()
    if (this.#draining) setImmediate(() => this.drain())
  }

  override _onError(error: Error): void {
    this.#failure = error.message
    this.close()
  }

  override _onClose(): void {
    const first = !this._closed
    if (this._parser instanceof Gate) this._parser.forget()
    super._onClose()
    if (!first) return
    clearTimeout(this.#handshakeDeadline)
    this.conversation.closed(this._upgrading ? `no TLS: ${this.#failure ?? 'connection lost'}` : undefined)
  }

  // Replies

  #say(said: Reply): void {
    super.send(said.code, `${said.status} ${said.text}`, false)
  }

  /** What smtp-server says by itself. */
  override send(code: number, data?: string | string[] | null): void {
    const said = fromServer(code, String(data ?? ''))
    if (said.kind === 'text') super.send(code, said.text, false)
    else this.#say(this.conversation.refuse('connect', said.refusal))
  }

  // Commands

  override _onCommand(command: Buffer, callback?: () => void): void {
    const last = this.#lastReply(command)
    if (last) this.hangUp(last)
    else super._onCommand(command, callback)
  }

  /** The reply that ends the session instead of carrying this command out. */
  #lastReply(command: Buffer): Reply | undefined {
    if (this.#draining && this.conversation.idle) return refusal('always.shutdown').reply
    return this._nextHandler ? undefined : this.conversation.command(verbOf(command))
  }

  override _getHandler(verb: string) {
    const fate = fateOf(verb)
    if (fate === 'refused') return this.#notImplemented
    const handler = fate && super._getHandler(verb)
    return handler && ((command: Buffer, callback: () => void) => this.#carryOut(handler, command, callback))
  }

  /** smtp-server answers an error of ours with 451 and tells nobody. */
  #carryOut(handler: SMTPConnection['handler_NOOP'], command: Buffer, callback: () => void): void {
    try {
      handler.call(this, command, callback)
    } catch (error) {
      this.conversation.broken(error)
      throw error
    }
  }

  #notImplemented(_command: Buffer, callback: () => void): void {
    this.#say(this.conversation.refuse('connect', protocol.notImplemented))
    callback()
  }

  override handler_EHLO(command: Buffer, callback: () => void): void {
    const answer = this.conversation.hello(command.toString())
    if ('code' in answer) this.#say(answer)
    else {
      this.hostNameAppearsAs = answer.host
      super.send(250, verbOf(command) === 'EHLO' ? [...answer.lines] : this.conversation.hostname, false)
    }
    callback()
  }

  override handler_HELO(command: Buffer, callback: () => void): void {
    this.handler_EHLO(command, callback)
  }

  /** What came behind STARTTLS came in clear and was meant to be carried out under TLS (CVE-2011-0411). */
  override handler_STARTTLS(command: Buffer, callback: () => void): void {
    if (this.#moreCame) this.violated(refusal('always.synchronization'))
    else super.handler_STARTTLS(command, callback)
  }

  override handler_AUTH(command: Buffer, callback: () => void): void {
    this.#answerAuth(this.conversation.auth(command.toString()), callback)
  }

  #answerAuth(answer: AuthAnswer, callback: () => void): void {
    if (answer.kind === 'challenge') {
      this._nextHandler = (line, next) => this.#answerAuth(answer.next(line.toString()), next)
      super.send(334, answer.challenge, false)
    } else this.#say(answer.reply)
    callback()
  }

  override handler_MAIL(command: Buffer, callback: () => void): void {
    this.#say(this.conversation.mailFrom(command))
    callback()
  }

  override handler_RCPT(command: Buffer, callback: () => void): void {
    this.#say(this.conversation.rcptTo(command))
    callback()
  }

  override handler_DATA(command: Buffer, callback: () => void): void {
    this.#openData(command, callback).catch((error: unknown) => {
      this.conversation.broken(error)
      this.hangUp(refusal('always.unavailable').reply)
    })
  }

  async #openData(command: Buffer, callback: () => void): Promise<void> {
    const refused = await this.conversation.data()
    await turn()
    if (this._closing || this._closed) return this.conversation.abandon()
    if (refused) {
      this.#say(refused)
      return callback()
    }
    if (this.#moreCame) {
      // Content before 354 may be commands that somebody smuggled, or the other way round (case P18).
      await this.conversation.abandon()
      return this.violated(refusal('always.synchronization'))
    }
    // smtp-server wants to see a recipient; ours are in the conversation.
    this.session.envelope.rcptTo = [{ address: '', args: false }]
    super.handler_DATA(command, callback)
  }

  get #moreCame(): boolean {
    return this._parser instanceof Gate && this._parser.moreCame
  }
}

const verbOf = (command: Buffer): string => (/^[^ ]*/.exec(command.toString())?.[0] ?? '').toUpperCase()

/** Sees every octet before smtp-server reads lines in it, and knows whether more came than was answered. */
class Gate extends SMTPStream {
  readonly #connection: Connection
  readonly #commands: CommandLines
  #writing = 0

  constructor(connection: Connection) {
    super({ maxCommandLength: loginLineBytes })
    this.#connection = connection
    this.#commands = new CommandLines(() => connection.violated(refusal('always.idle')))
  }

  /** Octets are here that the client sent before it had our reply to the command that is being carried out. */
  get moreCame(): boolean {
    return this.#commands.waiting || this.writableLength > this.#writing
  }

  forget(): void {
    this.#commands.forget()
  }

  override oncommand(command: Buffer, callback?: () => void): void {
    this.#commands.took()
    this.#connection._onCommand(command, callback)
  }

  /** smtp-server would carry out what a client had begun to say when it left, a login cut short among it. */
  override _flushData(): void {}

  /** The outer call is the socket's; inner ones are smtp-server's, with what came behind a content. */
  override _write(chunk: Buffer, encoding: BufferEncoding | 'buffer', next: Next): void {
    if (this.#writing > 0) {
      this.#pass(chunk, encoding, next)
      return
    }
    this.#writing = chunk.length
    this.#pass(chunk, encoding, (error) => {
      this.#writing = 0
      next(error)
    })
  }

  #pass(chunk: Buffer, encoding: BufferEncoding | 'buffer', next: Next): void {
    const fault = this._dataMode || this.isClosed || chunk.length === 0 ? undefined : this.#faultIn(chunk)
    if (fault) {
      this.#connection.violated(fault)
      next()
    } else super._write(chunk, encoding, next)
  }

  #faultIn(chunk: Buffer): Refusal | undefined {
    if (!this.#connection.ready) return refusal('always.synchronization')
    return this.#commands.take(chunk.toString('latin1'), this.#connection.inLogin)
  }
}
