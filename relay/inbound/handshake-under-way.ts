/** The handshake of one connection: it waits for its turn, has a deadline, and ends by a socket under TLS, or with both. */
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { verdictAside } from '../tls-verdict.ts'
import { UnderHandshake } from '../under-handshake.ts'
import type { Handshake } from './handshakes.ts'
import { handshakeCostMs, handshakeMs, readAheadBytes } from './limits.ts'
import { notInTime } from './tls-failure.ts'

/** Whose handshake it is. */
type Client = {
  /** Nobody has vouched for it: it is not listened to for longer than a handshake takes. */
  readonly isOfStranger: boolean
  /** Does this when it is this client's turn: at once, or later, where it costs that much. */
  inTurn(work: () => void, costMs?: number): void
}

/** What there is to hear of it. */
type Outcome = {
  /** The socket under TLS is there, and is to be listened to from here on; there is no session yet. */
  readonly raised: (socket: TLSSocket) => void
  /** The session is there, and who has no more to do with it is the handshake. */
  readonly secured: (socket: TLSSocket, authority: Handshake['authority']) => void
  /** The session has come, and its records say nothing. */
  readonly silent: () => void
  readonly failed: (error: Error) => void
  readonly closed: () => void
}

/**
 * A handshake is the dearest thing that a stranger can ask for: it has its turn, and until the client has said hello it
 * costs nothing. It ends with the socket that is on top, and the lower one goes with it; the other way round is not safe in
 * Node. Until the client has spoken there is only the lower one.
 */
export class HandshakeUnderWay {
  readonly #client: Client
  readonly #outcome: Outcome
  readonly #plain: Socket
  readonly #deadline: NodeJS.Timeout
  #top: Socket
  #spoken = false

  /**
   * Reads what comes from here on; `failed` and `closed` listen to the socket already, and nobody to its data and its end.
   * `next`: what the handshake goes by when its turn has come.
   */
  constructor(plain: Socket, client: Client, next: () => Handshake, outcome: Outcome) {
    this.#client = client
    this.#outcome = outcome
    this.#plain = plain
    this.#top = plain
    this.#deadline = setTimeout(() => outcome.failed(notInTime()), handshakeMs)
    plain.setTimeout(0).pause().on('end', this.#onEnd)
    // It stays: without it Node would let flow what is to be read by the handshake.
    plain.on('readable', () => {
      if (!this.#spoken) client.inTurn(() => this.#begin(next), handshakeCostMs)
      this.#spoken = true
    })
  }

  /** The client has said hello, and had its turn. */
  get hasBegun(): boolean {
    return this.#top !== this.#plain
  }

  destroy(): void {
    this.#top.destroy()
  }

  /** It has come to its end, whichever. */
  over(): void {
    clearTimeout(this.#deadline)
  }

  #begin(next: () => Handshake): void {
    if (this.#plain.destroyed) return
    // Readable without an octet: the client has gone.
    if (this.#plain.readableLength === 0) this.destroy()
    else this.#shakeHands(next())
  }

  #shakeHands({ context, authority }: Handshake): void {
    const { failed, closed, raised, secured, silent } = this.#outcome
    const plain = this.#plain.off('close', closed)
    const asks = authority && ({ requestCert: true, rejectUnauthorized: false } as const)
    const options = { isServer: true, secureContext: context, highWaterMark: readAheadBytes, ...asks }
    const bounded = asks || this.#client.isOfStranger ? UnderHandshake.of(plain, asks && this.#client) : undefined
    // This one hears of an end behind what waits for its turn; else the lower socket does, if it came before this turn.
    if (bounded) plain.off('end', this.#onEnd)
    // It reads what the lower socket has read.
    const top = new TLSSocket(bounded ?? plain, options)
    const verdictIn = verdictAside(top)
    this.#top = top
    top.on('_tlsError', failed).on('end', this.#onEnd)
    top.once('secure', () => {
      verdictIn()
      bounded?.handshakeDone(() => top.bytesRead).once('silent', silent)
      this.over()
      top.off('end', this.#onEnd)
      secured(top, authority)
    })
    raised(top)
  }

  /** Without another word no handshake comes to its end. */
  readonly #onEnd = (): void => this.destroy()
}
