/** What is under a TLS handshake with a stranger: it passes no more octets than a chain of certificates needs. */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

/** Three certificates with keys and signatures of ML-DSA-65 (FIPS 204), the largest that are in use, need 20 KiB. */
const mostOctets = 24 * 1024

type Turns = { inTurn(work: () => void): void }

/**
 * OpenSSL takes chains of 100 KB and verifies each of their certificates before it says that it trusts none of them, all
 * in one turn of the loop: with keys that were made for it, for a second. What it gets can be limited only from outside.
 */
export class UnderHandshake extends Duplex {
  readonly #socket: Socket
  readonly #turns: Turns
  #octets = 0
  #done = false
  #inLine = false

  /** Takes the socket over: who waited for its octets gets none. What the handshake makes of them takes time of its `turns`. */
  constructor(socket: Socket, turns: Turns = { inTurn: (work) => work() }) {
    super()
    this.#socket = socket
    this.#turns = turns
    socket
      .removeAllListeners('readable')
      .on('data', (chunk: Buffer) => this.#pass(chunk))
      .on('end', () => this.push(null))
      .on('error', (error) => this.destroy(error))
      .on('close', () => this.destroy())
  }

  /** The handshake is over: everything passes. */
  handshakeDone(): void {
    this.#done = true
  }

  #pass(chunk: Buffer): void {
    this.#octets += chunk.length
    if (this.#done) this.#push(chunk)
    else if (this.#octets > mostOctets)
      this.destroy(new Error(`more than ${mostOctets} octets came before the end of the TLS handshake`))
    else {
      this.#inLine = true
      this.#socket.pause()
      this.#turns.inTurn(() => {
        this.#inLine = false
        this.#push(chunk)
      })
    }
  }

  #push(chunk: Buffer): void {
    if (this.push(chunk)) this.#socket.resume()
    else this.#socket.pause()
  }

  override _read(): void {
    // Nothing overtakes what waits for its turn.
    if (!this.#inLine) this.#socket.resume()
  }

  override _write(chunk: Buffer, _: BufferEncoding, written: (error?: Error | null) => void): void {
    this.#socket.write(chunk, written)
  }

  override _final(ended: () => void): void {
    this.#socket.end(ended)
  }

  override _destroy(error: Error | null, destroyed: (error: Error | null) => void): void {
    this.#socket.destroy()
    destroyed(error)
  }
}
