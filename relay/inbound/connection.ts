/** One client's connection: its socket, its TLS and the reply to each command; what is decided is the conversation's. */

import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { type Reply, reply } from '../mail/reply.ts'
import { type Refusal, refusal } from '../mail/rule.ts'
import { afterWholeTurn } from '../whole-turn.ts'
import { clientAddress, sessionId } from './client.ts'
import type { AuthAnswer, Conversation, Line } from './conversation.ts'
import { HandshakeUnderWay } from './handshake-under-way.ts'
import type { Handshake } from './handshakes.ts'
import { type Handling, type Hearer, Inlet } from './inlet.ts'
import { idleMs, lingerMs } from './limits.ts'
import { textOf } from './line-text.ts'
import { Outlet } from './outlet.ts'
import { noArgument, protocol } from './protocol.ts'
import { replyLines } from './reply-lines.ts'
import { shownCertificate } from './shown-certificate.ts'
import { failureIn } from './tls-failure.ts'
import { hasArgument, type Verb, verbOf } from './verbs.ts'

/** Begins the conversation of a client that has connected. */
export type Begin = (who: { readonly id: string; readonly client: string }, line: Line) => Conversation

export type Tls = {
  /** The handshake comes first (RFC 8314 section 3). */
  readonly implicit: boolean
  /** For the next one. */
  readonly handshake: () => Handshake
}

const replies = {
  reset: reply(250, '0.0', 'Flushed'),
  nothing: reply(250, '0.0', 'OK'),
  unverified: reply(252, '0.0', 'send it some mail, and see'),
  help: reply(214, '0.0', 'RFC 5321 has all that is spoken here'),
  startTls: reply(220, '0.0', 'ready to start TLS'),
  bye: reply(221, '0.0', 'Bye'),
} as const

export class Connection implements Line, Hearer {
  readonly #tls: Tls
  readonly #conversation: Conversation
  #socket: Socket
  #inlet: Inlet
  readonly #outlet = new Outlet()
  #handshake: HandshakeUnderWay | undefined
  #ready = false
  #draining = false
  #closing = false
  #closed = false
  #linger: NodeJS.Timeout | undefined
  #failure: string | undefined
  /** What the next line of a login is for. */
  #login: ((line: string) => AuthAnswer) | undefined
  /** DATA is being carried out: its reply is near, and goes with those before it. */
  #opening = false

  constructor(socket: Socket, tls: Tls, begin: Begin) {
    this.#tls = tls
    this.#socket = socket
    this.#conversation = begin({ id: sessionId(), client: clientAddress(socket) }, this)
    this.#watch(socket)
    this.#inlet = new Inlet(socket, this)
    if (!tls.implicit) this.#greetSoon()
    else if (this.#conversation.unwanted()) this.destroy()
    else this.#secure(() => this.#greetSoon())
  }

  // Line

  hangUp(last: Reply): void {
    if (this.#handshake) {
      this.#breakOff()
      return
    }
    this.#say(last)
    this.#leave()
  }

  drain(): void {
    this.#draining = true
    if (this.#closing || this.#closed || !this.#conversation.idle) return
    if (this.#handshake) this.#breakOff()
    else this.hangUp(this.#shutDown())
  }

  destroy(): void {
    ;(this.#handshake ?? this.#socket).destroy()
  }

  // Hearer

  get ready(): boolean {
    return this.#ready
  }

  get inLogin(): boolean {
    return this.#login !== undefined
  }

  inTurn(work: () => void): void {
    this.#conversation.inTurn(work)
  }

  command(text: string): Handling {
    const login = this.#login
    this.#login = undefined
    const verb = verbOf(text)
    const last = this.#lastReply(verb, login !== undefined)
    if (last) {
      this.hangUp(last)
      return undefined
    }
    const handling = login ? this.#answerAuth(login(textOf(text))) : this.#obey(verb, text)
    return handling ?? this.#outlet.unread(this.#socket)
  }

  content(octets: Buffer): Handling {
    return this.#conversation.content(octets)
  }

  contentEnded(): Handling {
    return this.#conversation.contentEnded()?.then((said) => this.#say(said))
  }

  violated(refused: Refusal): undefined {
    this.hangUp(this.#conversation.refuse('connect', refused))
  }

  failed(error: unknown): void {
    const sorry = this.#conversation.broken(error)
    // What comes would be taken for the rest of a content, or for commands.
    if (this.#inlet.inContent) this.hangUp(sorry)
    else this.#say(sorry)
  }

  rested(): void {
    if (!this.#opening) this.#flush()
    if (this.#draining && this.#ready && !this.#closing && !this.#inlet.busy) this.drain()
  }

  ended(): void {
    this.#close()
  }

  // The life of a connection

  /** What came with the connection is seen before we greet (case P17). */
  #greetSoon(): void {
    afterWholeTurn(() => {
      if (!this.#closing && !this.#closed) this.#greet()
    })
  }

  #greet(): void {
    const refused = this.#conversation.connect()
    if (refused) {
      this.hangUp(refused)
      // Who is sent away holds no descriptor until it closes its own side.
      this.#socket.destroySoon()
      return
    }
    this.#ready = true
    this.#outlet.say(`220 ${this.#conversation.hostname} ESMTP\r\n`)
    this.#flush()
  }

  #watch(socket: Socket): void {
    socket.on('error', this.#onError).on('close', this.#onClose)
    socket.setTimeout(idleMs).on('timeout', this.#onTimeout)
  }

  /** Nothing that was said or begun in clear lives on. */
  #secure(then: () => void): void {
    void this.#inlet.close()
    this.#handshake = new HandshakeUnderWay(this.#socket, this.#conversation, this.#tls.handshake, {
      raised: (socket) => this.#watch(socket),
      secured: (socket, authority) => {
        this.#handshake = undefined
        this.#socket = socket
        this.#inlet = new Inlet(socket, this)
        this.#conversation.secured(socket.getProtocol() ?? 'TLS', authority && shownCertificate(socket, authority))
        then()
      },
      silent: () => this.violated(refusal('always.errors')),
      failed: this.#onError,
      closed: this.#onClose,
    })
  }

  #shutDown(): Reply {
    return this.#conversation.refuse('connect', refusal('always.shutdown'))
  }

  /** Nothing can be said in a handshake. */
  #breakOff(): void {
    this.#conversation.over()
    this.destroy()
  }

  /** In good order, or since it was sent away: the client has lost nothing that it does not know of. */
  #leave(): undefined {
    this.#conversation.over()
    return this.#close()
  }

  /** Nothing more is heard; what was said still goes out, and the client has a moment to close its side. */
  #close(): undefined {
    if (this.#closing || this.#closed) return undefined
    this.#closing = true
    this.#flush()
    void this.#inlet.close()
    this.#socket.end().resume()
    this.#linger = setTimeout(() => this.#socket.destroy(), lingerMs).unref()
    return undefined
  }

  readonly #onError = (error: Error): void => {
    this.#failure ??= failureIn(error)
    if (this.#handshake) this.destroy()
    else this.#close()
  }

  readonly #onTimeout = (): void => {
    // Who has ended, and waits for the disk, may as well be gone.
    const isLost = this.#inlet.busy && this.#socket.readableEnded
    if (this.#handshake || this.#closing || isLost) this.destroy()
    // It is the client that waits, for the disk.
    else if (this.#inlet.busy && !this.#outlet.isUnread) this.#socket.setTimeout(idleMs)
    else this.violated(refusal('always.idle'))
  }

  readonly #onClose = (): void => {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#linger)
    const handshake = this.#handshake
    handshake?.over()
    // Of a probe there is nothing to tell.
    const isProbe = this.#tls.implicit && !handshake?.hasBegun && this.#failure === undefined
    this.#conversation.closed(handshake && !isProbe ? `no TLS: ${this.#failure ?? 'connection lost'}` : undefined)
    // A content that was to come does not; one that is whole may still become ours.
    const handling = this.#inlet.close()
    if (handling === undefined) void this.#conversation.abandon()
    else void handling.then(() => this.#conversation.abandon())
  }

  // Commands

  /** The reply that ends the session instead of carrying this command out. */
  #lastReply(verb: Verb, inLogin: boolean): Reply | undefined {
    if (this.#draining && this.#conversation.idle) return this.#shutDown()
    if (inLogin) return undefined
    if (verb.fate === 'foreign') return this.#conversation.refuse('connect', protocol.notSmtp)
    return this.#conversation.command(verb)
  }

  #obey(verb: Verb, line: string): Handling {
    if (verb.fate === 'refused') return this.#refuseCommand(line)
    const refused = this.#outOfPlace(verb, line)
    if (!refused) return this.#carryOut(verb.name, line)
    const early = verb.name === 'DATA' && this.#inlet.moreCame // the content of a DATA that is refused (case P18)
    return early ? this.violated(refusal('always.synchronization')) : this.#refuse(refused)
  }

  #outOfPlace({ name, fate, takesArgument, followsHello }: Verb, line: string): Refusal | undefined {
    if (fate === undefined) return protocol.unknownCommand
    if (followsHello && !this.#conversation.greeted) return protocol.helloFirst
    return !takesArgument && hasArgument(line) ? noArgument(name) : undefined
  }

  #carryOut(verb: string, line: string): Handling {
    switch (verb) {
      case 'EHLO':
      case 'HELO':
        return this.#greetBack(verb, textOf(line))
      case 'STARTTLS':
        return this.#startTls()
      case 'AUTH':
        return this.#answerAuth(this.#conversation.auth(textOf(line)))
      case 'MAIL':
        return this.#beginMail(line)
      case 'RCPT':
        return this.#say(this.#conversation.rcptTo(line))
      case 'DATA':
        return this.#openContent()
      case 'RSET':
        this.#conversation.reset()
        return this.#say(replies.reset)
      case 'VRFY':
        return hasArgument(line) ? this.#say(replies.unverified) : this.#refuse(protocol.vrfyArgument)
      case 'HELP':
        return this.#say(replies.help)
      case 'QUIT':
        this.#say(replies.bye)
        return this.#leave()
      default:
        return this.#say(replies.nothing)
    }
  }

  /** BDAT is not offered, and what comes behind it, at once or later, is a chunk of content: none of it may be carried out. */
  #refuseCommand(line: string): undefined {
    if (/^BDAT(?! +0+(?: |$))/i.test(line)) this.violated(protocol.notImplemented)
    else this.#refuse(protocol.notImplemented)
  }

  #refuse(refused: Refusal): undefined {
    this.#say(this.#conversation.refuse('connect', refused))
  }

  #greetBack(verb: string, line: string): undefined {
    const answer = this.#conversation.hello(line)
    if ('code' in answer) return this.#say(answer)
    const lines = verb === 'EHLO' ? answer.lines : [this.#conversation.hostname]
    const last = lines.length - 1
    for (let i = 0; i <= last; i++) this.#outlet.say(`250${i < last ? '-' : ' '}${lines[i]}\r\n`)
  }

  /** What came behind STARTTLS came in clear and was meant to be carried out under TLS (CVE-2011-0411). */
  #startTls(): undefined {
    if (this.#inlet.moreCame) return this.violated(refusal('always.synchronization'))
    if (this.#socket instanceof TLSSocket) return this.#refuse(protocol.tlsAlready)
    this.#say(replies.startTls)
    if (this.#socket.readableEnded) return this.#close()
    this.#flush()
    this.#secure(() => undefined)
  }

  #answerAuth(answer: AuthAnswer): undefined {
    if (answer.kind === 'reply') return this.#say(answer.reply)
    this.#login = (line) => answer.next(line)
    this.#outlet.say(`334 ${answer.challenge}\r\n`)
  }

  #beginMail(line: string): Handling {
    const begin = (): undefined =>
      this.#closing || this.#closed ? undefined : this.#say(this.#conversation.mailFrom(line))
    const room = this.#conversation.room()
    return room === undefined ? begin() : room.then(begin)
  }

  async #openContent(): Promise<void> {
    let refused: Refusal | undefined
    this.#opening = true
    try {
      refused = await this.#conversation.data()
    } finally {
      this.#opening = false
    }
    await new Promise(setImmediate)
    if (this.#closing || this.#closed) return this.#conversation.abandon()
    if (this.#inlet.moreCame) {
      // Content before 354 may be commands that somebody smuggled, or the other way round (case P18). DATA ends what a
      // client may send in one go (RFC 2920 section 3.1), so this holds where DATA is refused, too.
      await this.#conversation.abandon()
      return this.violated(refusal('always.synchronization'))
    }
    if (refused) return this.#say(this.#conversation.refuse('data', refused))
    this.#inlet.expectContent()
    this.#conversation.awaitContent()
    this.#outlet.say('354 end the message with a dot on a line by itself\r\n')
  }

  // Replies

  /** A reply with 421 ends the session. */
  #say(said: Reply): undefined {
    this.#outlet.say(replyLines(said))
    if (said.code === 421) this.#leave()
  }

  #flush(): void {
    this.#outlet.flush(this.#handshake ? undefined : this.#socket)
  }
}
