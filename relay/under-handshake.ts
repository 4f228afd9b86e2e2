/**
 * The stream under a stranger's TLS handshake and under the session after it. In the handshake it passes no more octets than a
 * chain of certificates needs, and in the session only few records that say nothing (decision 0055).
 */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { TlsRecords } from './tls-records.ts'

/** The most octets of a handshake. Three certificates of ML-DSA-65 (FIPS 204), the largest keys in use, need 20 KiB. */
const mostOctets = 24 * 1024

/**
 * The most records without application data: tickets, alerts, and once in many gigabytes a change of keys (RFC 8446 section 5.5).
 */
const mostSilentRecords = 100

type Turns = { inTurn(work: () => void): void }

const nothing = Buffer.alloc(0)

/**
 * OpenSSL takes chains of up to 100 KB and verifies each certificate in them before it says that it trusts none: in one turn of
 * the event loop, for a second where the keys were made for that. In a session of TLS 1.3 it takes key updates without end, and
 * 64 KiB, which come in one turn, hold 2,400 of them. It has no limits for these, so its input is limited here.
 */
export class UnderHandshake extends Duplex {
  readonly #socket: Socket
  readonly #turns: Turns
  readonly #records = new TlsRecords()
  #octets = 0
  #long: { readonly octets: number; readonly long: () => void } | undefined
  /** What came waits for its turn. */
  #inLine = false
  /** What is left of the last chunk that came. */
  #rest: Buffer = nothing
  /** How many octets of application data the session has given; present once there is a session. */
  #said: (() => number) | undefined
  #saidBefore = 0
  #silentRecords = 0

  /** Takes the socket over, with its listeners to octets. What the handshake does with each chunk waits for its turn in `turns`. */
  constructor(socket: Socket, turns: Turns = { inTurn: (work) => work() }) {
    // A high water mark of 1: the next record is passed only when the one before was read, so that it is known what that said.
    // allowHalfOpen as the socket has it: the TLS above asks this stream.
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

  /** As the Socket that TLSSocket's types want: by Node's manual, TLS works over any stream. */
  static of(socket: Socket, turns?: Turns): UnderHandshake & Socket {
    return new UnderHandshake(socket, turns) as UnderHandshake & Socket
  }

  /**
   * The session has begun: emits `silent`, and ends, at too many records that say nothing. `said`: how many octets the session
   * gave.
   */
  handshakeDone(said: () => number): this {
    this.#said = said
    return this
  }

  /** Calls `long` once, if the handshake comes to have more octets than that. */
  whenLonger(octets: number, long: () => void): this {
    this.#long = { octets, long }
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
      this.#tellLong()
      this.#turns.inTurn(() => {
        this.#inLine = false
        this.#pass()
      })
    }
  }

  #tellLong(): void {
    if (this.#long === undefined || this.#octets <= this.#long.octets) return
    const { long } = this.#long
    this.#long = undefined
    long()
  }

  /** The socket's end is passed on behind what still waits for its turn, or to be read. */
  #end(): void {
    if (!this.#inLine) this.#pass()
  }

  /** Passes records on until the reader has enough; reads the socket again when nothing is left. */
  #pass(): void {
    while (this.#rest.length > 0 && !this.destroyed) {
      if (this.#isTooSilent()) {
        this.emit('silent')
        this.destroy(new Error(`more than ${mostSilentRecords} records of TLS came that say nothing`))
        return
      }
      const length = this.#records.take(this.#rest)
      const record = this.#rest.subarray(0, length)
      // Not an empty slice, which would keep the whole chunk in memory.
      this.#rest = length === this.#rest.length ? nothing : this.#rest.subarray(length)
      if (!this.push(record)) {
        this.#socket.pause()
        return
      }
    }
    if (this.#socket.readableEnded) this.push(null)
    else this.#socket.resume()
  }

  /** Whether the record before was one too many of those that say nothing. */
  #isTooSilent(): boolean {
    if (this.#said === undefined || !this.#records.isOver) return false
    // The reader has not taken that record yet (it asked for more, and then paused): what it says is not known yet.
    if (this.readableLength > 0) return false
    const said = this.#said()
    if (said === this.#saidBefore) this.#silentRecords += 1
    this.#saidBefore = said
    return this.#silentRecords > mostSilentRecords
  }

  /** A tick later: Node calls this before it hands out the record that it has, and only then is known what that says. */
  override _read(): void {
    process.nextTick(() => {
      // What waits for its turn is passed on by that.
      if (!this.#inLine) this.#pass()
    })
  }

  override _write(chunk: Buffer, _: BufferEncoding, written: (error?: Error | null) => void): void {
    this.#socket.write(chunk, written)
  }

  override _final(ended: () => void): void {
    // Without its error: the socket may have ended together with its peer.
    this.#socket.end(() => ended())
  }

  override _destroy(error: Error | null, destroyed: (error: Error | null) => void): void {
    this.#socket.destroy()
    destroyed(error)
  }
}
