/** One client's connection: its socket, its TLS, and which reply goes out when. What is decided is the conversation's. */

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

/** Begins the conversation with a client that has connected; `line` is what the conversation may do to the connection. */
export type Begin = (who: { readonly id: string; readonly client: string }, line: Line) => Conversation

export type Tls = {
  /** The client begins with the handshake, without STARTTLS (RFC 8314 section 3). */
  readonly implicit: boolean
  /** What a handshake that begins now is to go by. */
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
  /** While a login waits for its next line: what is to be called with that line. */
  #login: ((line: string) => AuthAnswer) | undefined
  /** DATA is being carried out. Its reply is near, so the replies before it wait and go out in one write with it. */
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

  hangUp(last: Reply): undefined {
    if (this.#handshake) return this.#breakOff()
    this.#say(last)
    return this.#leave()
  }

  drain(): void {
    this.#draining = true
    if (this.#conversation.idle) this.#shutDown()
  }

  cutOff(): void {
    if (this.#inlet.busy && !this.#inlet.inContent) this.destroy()
    else this.#shutDown()
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
    if (last) return this.hangUp(last)
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
    // A session that has had its last reply is refused nothing more.
    if (!this.#closing) this.hangUp(this.#conversation.refuse('connect', refused))
  }

  failed(error: unknown): void {
    const sorry = this.#conversation.broken(error)
    // In the middle of a content nobody can tell any more whether what comes next is its rest or commands.
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

  /** A turn later, so that a client that speaks before our greeting is caught at it (case P17). */
  #greetSoon(): void {
    afterWholeTurn(() => {
      if (!this.#closing && !this.#closed) this.#greet()
    })
  }

  #greet(): void {
    const refused = this.#conversation.connect()
    if (refused) {
      this.hangUp(refused)
      // A client that is sent away is not to hold a file descriptor of ours until it closes its own side.
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

  /** Puts TLS on the connection. Nothing that was said or begun in clear is kept (RFC 3207 section 4.2). */
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
      silent: () => this.violated(this.#conversation.saysNothing()),
      crowdedOut: () => this.#crowdedOut(),
      failed: this.#onError,
      closed: this.#onClose,
    })
  }

  /** Not to linger until the client closes its side, since the memory is that of its connection. */
  #crowdedOut(): void {
    if (this.#handshake) {
      this.#onError(new Error('newer clients also came with long chains of certificates'))
      return
    }
    this.violated(refusal('always.certificateChains'))
    this.#socket.destroySoon()
  }

  #shutDown(): void {
    if (this.#closing || this.#closed) return
    if (this.#handshake) this.#breakOff()
    else this.hangUp(this.#conversation.shutDown())
  }

  /** Ends the connection without a reply: in the middle of a handshake none can be sent. */
  #breakOff(): undefined {
    this.#conversation.over()
    this.destroy()
  }

  /** Ends the session by a reply of ours (221, 421 or another last word): nothing is lost of which the client does not know. */
  #leave(): undefined {
    this.#conversation.over()
    return this.#close()
  }

  /** Stops reading. Replies that were written still go out, and the client has `lingerMs` to close its side. */
  #close(): undefined {
    if (this.#closing || this.#closed) return undefined
    this.#closing = true
    this.#flush()
    this.#socket.end()
    this.#inlet.drop()
    this.#linger = setTimeout(() => this.#socket.destroy(), lingerMs).unref()
    return undefined
  }

  readonly #onError = (error: Error): void => {
    this.#failure ??= failureIn(error)
    if (this.#handshake) this.destroy()
    else this.#close()
  }

  /** What came while this process was held up came in time. */
  readonly #onTimeout = (): void => {
    const [socket, { bytesRead }] = [this.#socket, this.#socket]
    afterWholeTurn(() => {
      if (!this.#closed && socket.bytesRead === bytesRead) this.#timedOut()
    })
  }

  #timedOut(): void {
    // A client that has closed its side while the disk is waited for may be gone; there is nothing that it could still send.
    const isLost = this.#inlet.busy && this.#socket.readableEnded
    if (this.#handshake || this.#closing || isLost) this.destroy()
    // The silence is ours: the client waits for us (e.g. for the disk), and gets as much time again.
    else if (this.#inlet.busy && !this.#outlet.isUnread) this.#socket.setTimeout(idleMs)
    else this.violated(refusal('always.idle'))
  }

  readonly #onClose = (): void => {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#linger)
    const handshake = this.#handshake
    handshake?.over()
    // A connection to an Implicit listener that ended before its ClientHello, without an error, is a port probe: no log line.
    const isProbe = this.#tls.implicit && !handshake?.hasBegun && this.#failure === undefined
    this.#conversation.closed(handshake && !isProbe ? `no TLS: ${this.#failure ?? 'connection lost'}` : undefined)
    // A content of which the rest can not come is given up; one that is whole may still become ours, so that is waited for.
    const handling = this.#inlet.close()
    if (handling === undefined) void this.#conversation.abandon()
    else void handling.then(() => this.#conversation.abandon())
  }

  // Commands

  /** The reply that ends the session in place of carrying this command out; undefined: carry it out. */
  #lastReply(verb: Verb, inLogin: boolean): Reply | undefined {
    if (this.#draining && this.#conversation.idle) return this.#conversation.shutDown()
    if (inLogin) return undefined
    if (verb.fate === 'foreign') return this.#conversation.refuse('connect', protocol.notSmtp)
    return this.#conversation.command(verb)
  }

  #obey(verb: Verb, line: string): Handling {
    if (verb.fate === 'refused') return this.#refuseCommand(line)
    const refused = this.#outOfPlace(verb, line)
    if (!refused) return this.#carryOut(verb.name, line)
    // What came behind a DATA that is refused may be its content: none of that may be carried out as commands (case P18).
    const early = verb.name === 'DATA' && this.#inlet.moreCame
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
        this.#conversation.endTransaction()
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

  /** Behind a BDAT with a size comes that much content, at once or later: since we do not take BDAT, the session has to end. */
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
    const lines = verb === 'EHLO' ? answer : [this.#conversation.hostname]
    const last = lines.length - 1
    for (let i = 0; i <= last; i++) this.#outlet.say(`250${i < last ? '-' : ' '}${lines[i]}\r\n`)
  }

  /** Octets behind STARTTLS were injected in clear, to be carried out as if they had come under TLS (CVE-2011-0411). */
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
      // Octets that come before our 354 could be read as content or as commands: that is how messages are smuggled (case P18).
      // DATA has to be the last command of a pipelined group (RFC 2920 section 3.1), so this holds where DATA is refused, too.
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
