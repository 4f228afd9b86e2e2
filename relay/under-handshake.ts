/**
 * What is under a TLS handshake with a stranger, and under the session after it: it passes no more octets than a chain of
 * certificates needs, and then few records that say nothing.
 */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { TlsRecords } from './tls-records.ts'

/** Three certificates with keys and signatures of ML-DSA-65 (FIPS 204), the largest that are in use, need 20 KiB. */
const mostOctets = 24 * 1024

/** Tickets and alerts, and once in many gigabytes the peer takes another key (RFC 8446 section 5.5). */
const mostSilentRecords = 100

type Turns = { inTurn(work: () => void): void }

const nothing = Buffer.alloc(0)

/**
 * OpenSSL takes chains of 100 KB and verifies each of their certificates before it says that it trusts none of them, all
 * in one turn of the loop: with keys that were made for it, for a second. And of TLS 1.3 it takes new keys without an end,
 * of which 64 KiB, another turn, have 2,400. What it gets can be limited only from outside.
 */
export class UnderHandshake extends Duplex {
  readonly #socket: Socket
  readonly #turns: Turns
  readonly #records = new TlsRecords()
  #octets = 0
  #inLine = false
  /** Of what came last. */
  #rest: Buffer = nothing
  /** Octets that the session has said, once there is one. */
  #said: (() => number) | undefined
  #saidBefore = 0
  #silentRecords = 0

  /** Takes the socket over: who waited for its octets gets none. What the handshake makes of them takes time of its `turns`. */
  constructor(socket: Socket, turns: Turns = { inTurn: (work) => work() }) {
    // A record that is not read yet is the last one: what it says is known before the next one is passed.
    // It ends with its peer, or does not, as its socket; and so does the TLS above it, which asks.
    super({ readableHighWaterMark: 1, allowHalfOpen: socket.allowHalfOpen })
    this.#socket = socket
    this.#turns = turns
    socket
      .removeAllListeners('readable')
      .on('data', (chunk: Buffer) => this.#take(chunk))
      .on('end', () => this.#end())
      .on('error', (error) => this.destroy(error))
      .on('close', () => this.destroy())
  }

  /** TLS is over any stream, says Node's manual; its types know sockets alone. */
  static of(socket: Socket, turns?: Turns): UnderHandshake & Socket {
    return new UnderHandshake(socket, turns) as UnderHandshake & Socket
  }

  /** The handshake is over: everything passes that says something, or it is `silent`. `said`: how many octets were. */
  handshakeDone(said: () => number): this {
    this.#said = said
    return this
  }

  #take(chunk: Buffer): void {
    this.#octets += chunk.length
    this.#rest = chunk
    if (this.#said) this.#pass()
    else if (this.#octets > mostOctets)
      this.destroy(new Error(`more than ${mostOctets} octets came before the end of the TLS handshake`))
    else {
      this.#inLine = true
      this.#socket.pause()
      this.#turns.inTurn(() => {
        this.#inLine = false
        this.#pass()
      })
    }
  }

  /** The end comes behind what waits for its turn, or to be read. */
  #end(): void {
    if (!this.#inLine) this.#pass()
  }

  /** One record after the other, and more of them when there is nothing left. */
  #pass(): void {
    while (this.#rest.length > 0 && !this.destroyed) {
      if (this.#isTooSilent()) {
        this.emit('silent')
        this.destroy(new Error(`more than ${mostSilentRecords} records of TLS came that say nothing`))
        return
      }
      const length = this.#records.take(this.#rest)
      const record = this.#rest.subarray(0, length)
      // An empty part of it would keep all of it.
      this.#rest = length === this.#rest.length ? nothing : this.#rest.subarray(length)
      if (!this.push(record)) {
        this.#socket.pause()
        return
      }
    }
    if (this.#socket.readableEnded) this.push(null)
    else this.#socket.resume()
  }

  /** Whether the record before was one too many. */
  #isTooSilent(): boolean {
    if (this.#said === undefined || !this.#records.isOver) return false
    // Its reader has asked for more, and paused before it took what is there: that has said nothing yet.
    if (this.readableLength > 0) return false
    const said = this.#said()
    if (said === this.#saidBefore) this.#silentRecords += 1
    this.#saidBefore = said
    return this.#silentRecords > mostSilentRecords
  }

  /** Node asks for the next record before it hands out the one that it has: only when that is done is known what it says. */
  override _read(): void {
    process.nextTick(() => {
      // Nothing overtakes what waits for its turn.
      if (!this.#inLine) this.#pass()
    })
  }

  override _write(chunk: Buffer, _: BufferEncoding, written: (error?: Error | null) => void): void {
    this.#socket.write(chunk, written)
  }

  override _final(ended: () => void): void {
    // It may have ended with its peer.
    this.#socket.end(() => ended())
  }

  override _destroy(error: Error | null, destroyed: (error: Error | null) => void): void {
    this.#socket.destroy()
    destroyed(error)
  }
}
