/** A race of connections to the addresses of one host: a later start ends none of those before it (RFC 8305 section 5). */
import type { LookupAddress } from 'node:dns'
import { connect, type Socket } from 'node:net'

/** Told once: the socket that connected first. If none did: what tells most, or else why there was no way to the first address. */
type Ended = (result: Socket | NodeJS.ErrnoException) => void

/** No file was left for the connection: nothing is known of the address. */
export const isOurs = ({ code }: NodeJS.ErrnoException): boolean => code === 'EMFILE' || code === 'ENFILE'

const tellsMore = (error: NodeJS.ErrnoException): boolean => error.code === 'ECONNREFUSED' || isOurs(error)

export class Race {
  readonly #port: number
  readonly #apartMs: number
  readonly #ended: Ended
  #waiting: readonly LookupAddress[]
  readonly #running = new Set<Socket>()
  #timer: NodeJS.Timeout | undefined
  /** When the next one is to start, unless one fails before. */
  #nextAt = performance.now()
  #failure: NodeJS.ErrnoException | undefined

  /** There is an address at least. */
  constructor(addresses: readonly LookupAddress[], port: number, apartMs: number, ended: Ended) {
    this.#waiting = addresses
    this.#port = port
    this.#apartMs = apartMs
    this.#ended = ended
    this.#startNext()
  }

  /** What has connected stays. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#waiting = []
    for (const socket of this.#running) socket.destroy()
    this.#running.clear()
  }

  #startNext(): void {
    clearTimeout(this.#timer)
    const [next, ...rest] = this.#waiting
    if (next === undefined) return
    this.#waiting = rest
    const socket = connect({ host: next.address, port: this.#port, noDelay: true, keepAlive: true })
    this.#running.add(socket)
    socket.once('connect', () => this.#won(socket))
    socket.on('error', (error) => this.#failed(socket, error))
    const now = performance.now()
    // Counted from when this one was due: a busy loop is late with each, and that must not add up for the last of many.
    this.#nextAt = Math.min(now, this.#nextAt) + this.#apartMs
    this.#timer = setTimeout(() => this.#startNext(), Math.max(0, this.#nextAt - now))
  }

  #won(socket: Socket): void {
    this.#running.delete(socket)
    this.stop()
    this.#ended(socket)
  }

  /** Errors of those that have left the race are nobody's here. */
  #failed(socket: Socket, error: NodeJS.ErrnoException): void {
    if (!this.#running.delete(socket)) return
    if (this.#failure === undefined || tellsMore(error)) this.#failure = error
    if (this.#waiting.length > 0) this.#startNext()
    else if (this.#running.size === 0) this.#ended(this.#failure)
  }
}
