/** The handshake of one connection: it waits for its turn, has a deadline, and ends in a session under TLS or in no connection. */
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { Alarm } from '../alarm.ts'
import { verdictAside } from '../tls-verdict.ts'
import { UnderHandshake } from '../under-handshake.ts'
import { isProxyHeader } from './command-lines.ts'
import type { Handshake } from './handshakes.ts'
import { handshakeCostMs, handshakeMs, readAheadBytes } from './limits.ts'
import { type LongHandshake, LongHandshakes, longOctets } from './long-handshakes.ts'
import { QuietSessions } from './quiet-sessions.ts'
import { isInClear, notInTime, proxied } from './tls-failure.ts'

/** The client whose handshake it is. */
type Client = {
  /** Nobody has logged in from there lately: its handshake's octets are limited, and carried out in turns (under-handshake.ts). */
  readonly isOfStranger: boolean
  /** Calls `work` when it is this client's turn, at once or later; `costMs` is what it costs after it has returned. */
  inTurn(work: () => void, costMs?: number): void
}

/** What the owner of the handshake is told. */
type Outcome = {
  /** The TLS socket is made: its events, not those of the plain one, are to be listened to from here on. There is no session yet. */
  readonly raised: (socket: TLSSocket) => void
  /** The session is there; the handshake has nothing more to do with it. */
  readonly secured: (socket: TLSSocket, authority: Handshake['authority']) => void
  /** In the session, too many TLS records came that say nothing, or more of TLS's own answers wait than any client leaves unread. */
  readonly silent: () => void
  /** The connection is to end, in its handshake or after it: its client's certificates take memory that newer clients need. */
  readonly crowdedOut: () => void
  readonly failed: (error: Error) => void
  readonly closed: () => void
}

/** The fatal alert of that name (RFC 8446 section 6): OpenSSL says nothing to who begins with no record of TLS. */
const unexpectedMessage = Buffer.from('1503030002020a', 'hex')

/** By so many octets a PROXY header is known. */
const proxyHeaderOctets = 'PROXY UNKNOWN'.length

/** Of all listeners: the memory is that of the process. */
const longHandshakes = new LongHandshakes()
const quietSessions = new QuietSessions()

/**
 * A handshake is the most expensive thing that a stranger can ask for, so it waits for its turn, and costs nothing before the client's
 * hello has come. Until then there is only the plain socket; after it, a TLS socket on top of that. Always the topmost one is
 * destroyed, and takes the other along: the other way round is not safe in Node.
 */
export class HandshakeUnderWay {
  readonly #client: Client
  readonly #outcome: Outcome
  readonly #plain: Socket
  readonly #deadline: Alarm
  #top: Socket
  #spoken = false

  /**
   * Reads `plain` from here on. Its `error` and `close` are already listened to by `outcome.failed` and `outcome.closed`, its data and
   * end by nobody. `next` returns what the handshake goes by, and is called when its turn has come.
   */
  constructor(plain: Socket, client: Client, next: () => Handshake, outcome: Outcome) {
    this.#client = client
    this.#outcome = outcome
    this.#plain = plain
    this.#top = plain
    this.#deadline = new Alarm(() => outcome.failed(notInTime()))
    this.#deadline.set(handshakeMs)
    plain.setTimeout(0).pause().on('end', this.#onEnd)
    // This listener is not removed: without one for `readable`, Node would let the octets flow that the TLS socket is to read.
    plain.on('readable', () => {
      // What a stranger's costs is measured in its turns: the stranger may choose keys that cost four times as much as others do.
      if (!this.#spoken) client.inTurn(() => this.#begin(next), client.isOfStranger ? 0 : handshakeCostMs)
      this.#spoken = true
    })
  }

  /** The client's hello has come and had its turn. */
  get hasBegun(): boolean {
    return this.#top !== this.#plain
  }

  destroy(): void {
    this.#top.destroy()
  }

  /** The handshake has come to an end, good or bad. */
  over(): void {
    this.#deadline.end()
  }

  #begin(next: () => Handshake): void {
    if (this.#plain.destroyed) return
    // `readable` without an octet means that the client is gone.
    if (this.#plain.readableLength === 0) this.destroy()
    // Through a balancer that sends it nobody ever gets as far as to log in: the others are spared the look.
    else if (this.#client.isOfStranger && isProxyHeader(this.#firstOctets())) this.#outcome.failed(proxied())
    else this.#shakeHands(next())
  }

  /** They stay for the handshake to read. */
  #firstOctets(): string {
    const octets: Buffer = this.#plain.read()
    this.#plain.unshift(octets)
    return octets.toString('latin1', 0, proxyHeaderOctets)
  }

  #shakeHands({ context, authority }: Handshake): void {
    const { failed, closed, raised, secured, silent, crowdedOut } = this.#outcome
    const plain = this.#plain.off('close', closed)
    const asks = authority && ({ requestCert: true, rejectUnauthorized: false } as const)
    const options = { isServer: true, secureContext: context, highWaterMark: readAheadBytes, ...asks }
    const bounded = asks || this.#client.isOfStranger ? UnderHandshake.of(plain, this.#client) : undefined
    // `bounded` passes an end on behind the octets that wait for their turn. Without it, the plain socket's own end has to be heard.
    if (bounded) plain.off('end', this.#onEnd)
    // It takes over what the plain socket has read already.
    const top = new TLSSocket(bounded ?? plain, options)
    const verdictIn = verdictAside(top)
    if (bounded && asks) {
      const one: LongHandshake = { isOfStranger: () => this.#client.isOfStranger, giveWay: crowdedOut }
      bounded.whenLonger(longOctets, () => longHandshakes.enter(one)).once('close', () => longHandshakes.leave(one))
    }
    this.#top = top
    const refuse = (error: Error): void => {
      if (bounded && isInClear(error)) plain.write(unexpectedMessage)
      failed(error)
    }
    top.on('_tlsError', refuse).on('end', this.#onEnd)
    top.once('secure', () => {
      verdictIn()
      if (bounded) bounded.handshakeDone(() => top.bytesRead).once('silent', silent)
      else quietSessions.watch(top, plain, silent)
      this.over()
      top.off('end', this.#onEnd)
      secured(top, authority)
    })
    raised(top)
  }

  /** A client that has closed its side in the middle of a handshake can not end it. */
  readonly #onEnd = (): void => this.destroy()
}
