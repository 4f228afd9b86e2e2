/** Cuts what a client sends into command lines and contents, and hands them out one at a time, in their order. */
import type { Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import type { Refusal } from '../mail/rule.ts'
import { refusal } from '../mail/rule.ts'
import { CommandLines, misplacedIn } from './command-lines.ts'
import { DataDecoder } from './data-decoder.ts'
import { takeFirst } from './first.ts'
import { heldBytes, heldPieces, lingerBytes, piecesAtOnce } from './limits.ts'

/** A promise: the next piece is handed out only when it is settled. Undefined: the piece is dealt with already. */
export type Handling = Promise<void> | undefined

/** The one that the pieces are handed to. */
export type Hearer = {
  /** The client was greeted; whatever it sends before that is a violation (RFC 5321 section 4.3.1). */
  readonly ready: boolean
  /** A login waits for its next line, which may be a token and so longer than a command. */
  readonly inLogin: boolean
  /** Calls `work` when it is this client's turn: at once, or later. */
  inTurn(work: () => void): void
  /** One command line without its CR LF; each character stands for one octet. */
  command(line: string): Handling
  content(octets: Buffer): Handling
  contentEnded(): Handling
  violated(refused: Refusal): void
  /** Our own code threw while it dealt with a piece. */
  failed(error: unknown): void
  /** Nothing more is handed out for now, so the replies that were gathered are to be written. */
  rested(): void
  /** The client has closed its side, and every whole piece that it had sent is dealt with. */
  ended(): void
}

export class Inlet {
  readonly #socket: Socket
  readonly #hearer: Hearer
  readonly #commands: CommandLines
  /** Chunks that came and were not looked at yet. */
  readonly #came: Buffer[] = []
  #cameBytes = 0
  /** Present while a content comes; without it, what comes is commands. */
  #decoder: DataDecoder | undefined
  #handling: Handling
  #waitsForTurn = false
  #closed = false

  constructor(socket: Socket, hearer: Hearer) {
    this.#socket = socket
    this.#hearer = hearer
    this.#commands = new CommandLines(() => hearer.violated(refusal('always.idle')))
    socket.on('data', this.#take).on('end', this.#end)
  }

  /** The client has sent something already before it got the reply to the command that is being carried out. */
  get moreCame(): boolean {
    return this.#commands.waiting || this.#came.length > 0
  }

  /** A piece that was handed out is still being dealt with, or what came waits for this client's turn. */
  get busy(): boolean {
    return this.#handling !== undefined || this.#waitsForTurn
  }

  get inContent(): boolean {
    return this.#decoder !== undefined
  }

  /** From here on what comes is content, up to its final dot. */
  expectContent(): void {
    this.#decoder = new DataDecoder()
  }

  /** Hands out nothing more, and forgets what was not handed out. Returns the promise of the piece that is still being dealt with. */
  close(): Handling {
    if (!this.#closed) this.#socket.off('data', this.#take).off('end', this.#end)
    this.#closed = true
    this.#commands.forget()
    return this.#handling
  }

  /** Closes, and reads on for a while, so that a client that is still writing gets to our last reply; what comes is dropped. */
  drop(): void {
    void this.close()
    let left = lingerBytes
    const count = ({ length }: Buffer): void => {
      left -= length
      if (left <= 0) this.#socket.pause()
    }
    this.#socket.on('data', count).resume()
  }

  readonly #take = (chunk: Buffer): void => {
    this.#came.push(chunk)
    this.#cameBytes += chunk.length
    if (!this.busy) this.#runInTurn()
    if (this.#cameBytes > heldBytes || this.#came.length > heldPieces) this.#socket.pause()
  }

  readonly #end = (): void => {
    if (!this.busy) this.#run()
  }

  #runInTurn(): void {
    this.#waitsForTurn = true
    this.#hearer.inTurn(this.#begin)
    // While this client waits for its turn, it is to get the replies to what was carried out before.
    if (this.#waitsForTurn) this.#hearer.rested()
  }

  readonly #begin = (): void => {
    this.#waitsForTurn = false
    this.#run()
  }

  #run(): void {
    for (let pieces = 0; this.#hasNext(); pieces += 1) {
      const handling = pieces === piecesAtOnce ? turn() : this.#handOut()
      if (handling !== undefined) this.#handling = handling.then(this.#goOn, this.#goOnAfter)
    }
    this.#hearer.rested()
    // Once this inlet is closed, the socket has another reader (a handshake, or nobody): it is not ours to resume.
    if (!this.#closed && this.#cameBytes === 0 && this.#socket.isPaused()) this.#socket.resume()
    if (this.#socket.readableEnded && !this.#closed && this.#handling === undefined) this.#hearer.ended()
  }

  #hasNext(): boolean {
    return !this.#closed && this.#handling === undefined && (this.#commands.hasLine || this.#came.length > 0)
  }

  /** The piece that was waited for is dealt with: on to the next one. */
  readonly #goOn = (): void => {
    this.#handling = undefined
    if (this.#hasNext()) this.#runInTurn()
    else this.#run()
  }

  readonly #goOnAfter = (error: unknown): void => {
    this.#hearer.failed(error)
    this.#goOn()
  }

  #handOut(): Handling {
    try {
      return this.#next()
    } catch (error) {
      this.#hearer.failed(error)
      return undefined
    }
  }

  #next(): Handling {
    const line = this.#commands.next()
    if (line !== undefined) return this.#hearer.command(line)
    const chunk = takeFirst(this.#came)
    if (chunk === undefined) return undefined
    this.#cameBytes -= chunk.length
    return this.#decoder === undefined ? this.#readCommands(chunk) : this.#readContent(this.#decoder, chunk)
  }

  /** A whole chunk is judged before any line in it is carried out: nothing in front of a violation takes effect. */
  #readCommands(chunk: Buffer): undefined {
    const { ready, inLogin } = this.#hearer
    const octets = chunk.toString('latin1')
    const fault = ready ? this.#commands.take(octets, inLogin) : outOfTurn(octets)
    if (fault) this.#hearer.violated(fault)
  }

  #readContent(decoder: DataDecoder, chunk: Buffer): Handling {
    const { content, rest } = decoder.take(chunk)
    const taken = content.length === 0 ? undefined : this.#hearer.content(content)
    if (rest === undefined) return taken
    this.#decoder = undefined
    if (rest.length > 0) {
      this.#came.unshift(rest)
      this.#cameBytes += rest.length
    }
    return taken === undefined ? this.#hearer.contentEnded() : taken.then(() => this.#hearer.contentEnded())
  }
}

/** The refusal for octets that came before the greeting. */
const outOfTurn = (octets: string): Refusal => misplacedIn(octets) ?? refusal('always.synchronization')
