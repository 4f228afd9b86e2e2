/** One client's connection: sockets, TLS and lines are smtp-server's work; what is answered is the conversation's. */
import type { Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'
import type { SMTPServer } from 'smtp-server'
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js'
import type { SMTPStream } from 'smtp-server/lib/smtp-stream.js'
import type { Reply } from '../mail/reply.ts'
import { type Refusal, refusal } from '../mail/rule.ts'
import type { AuthAnswer, Conversation, Line } from './conversation.ts'
import { Gate, type Gatekeeper } from './gate.ts'
import { handshakeMs } from './limits.ts'
import { noArgument, protocol } from './protocol.ts'
import { fateOf, takesArgument } from './verbs.ts'
import { fromServer } from './wire.ts'

/** Begins the conversation of a client that has connected. */
export type Begin = (who: { readonly id: string; readonly client: string }, line: Line) => Conversation

export class Connection extends SMTPConnection implements Line, Gatekeeper {
  readonly conversation: Conversation
  #draining = false
  #verb = ''
  #handshaking: Socket | undefined
  #handshakeDeadline: NodeJS.Timeout | undefined
  #failure: string | undefined

  constructor(server: SMTPServer, socket: Socket, options: { id: string } | undefined, begin: Begin) {
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
    else {
      this.#verb = verbOf(command)
      super._onCommand(command, callback)
    }
  }

  /** The reply that ends the session instead of carrying this command out. */
  #lastReply(command: Buffer): Reply | undefined {
    if (this.#draining && this.conversation.idle) return refusal('always.shutdown').reply
    if (this._nextHandler) return undefined
    const verb = verbOf(command)
    return fateOf(verb) === 'foreign'
      ? this.conversation.refuse('connect', protocol.notSmtp)
      : this.conversation.command(verb)
  }

  /** What smtp-server takes for the verb has its letters made capitals, some of them from beyond ASCII. */
  override _getHandler(verb: string) {
    const fate = verb === this.#verb ? fateOf(verb) : undefined
    if (fate === 'refused') return (_command: Buffer, callback: () => void) => this.#refuseCommand(verb, callback)
    const handler = fate && super._getHandler(verb)
    return handler && ((command: Buffer, callback: () => void) => this.#carryOut(verb, handler, command, callback))
  }

  /** smtp-server answers an error of ours with 451 and tells nobody. */
  #carryOut(verb: string, handler: SMTPConnection['handler_NOOP'], command: Buffer, callback: () => void): void {
    if (hasArgument(command) && !takesArgument(verb)) {
      this.#refuse(noArgument(verb), callback)
      return
    }
    try {
      handler.call(this, command, callback)
    } catch (error) {
      this.conversation.broken(error)
      throw error
    }
  }

  /** BDAT is not offered, and what came behind it is a chunk of content: none of it may be carried out. */
  #refuseCommand(verb: string, callback: () => void): void {
    if (verb === 'BDAT' && this.#moreCame) this.violated(protocol.notImplemented)
    else this.#refuse(protocol.notImplemented, callback)
  }

  #refuse(refused: Refusal, callback: () => void): void {
    this.#say(this.conversation.refuse('connect', refused))
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
    if (this.#moreCame) {
      // Content before 354 may be commands that somebody smuggled, or the other way round (case P18). DATA ends what a
      // client may send in one go (RFC 2920 section 3.1), so this holds where DATA is refused, too.
      await this.conversation.abandon()
      return this.violated(refusal('always.synchronization'))
    }
    if (refused) {
      this.#say(refused)
      return callback()
    }
    // smtp-server wants to see a recipient; ours are in the conversation.
    this.session.envelope.rcptTo = [{ address: '', args: false }]
    super.handler_DATA(command, callback)
  }

  get #moreCame(): boolean {
    return this._parser instanceof Gate && this._parser.moreCame
  }
}

const hasArgument = (command: Buffer): boolean => / /.test(command.toString().trim())

/** One character for each octet: no letter beyond ASCII has a capital that is one of a command. */
const verbOf = (command: Buffer): string => (/^[^ ]*/.exec(command.toString('latin1'))?.[0] ?? '').toUpperCase()
