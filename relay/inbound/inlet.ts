/** Cuts what a client sends into command lines and contents, and hands them out one at a time, in their order. */
import type { Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import type { Refusal } from '../mail/rule.ts'
import { refusal } from '../mail/rule.ts'
import { CommandLines, misplacedIn } from './command-lines.ts'
import { DataDecoder } from './data-decoder.ts'
import { takeFirst } from './first.ts'
import { heldBytes, heldPieces, piecesAtOnce } from './limits.ts'

/** What is promised is waited for before the next piece is handed out. */
export type Handling = Promise<void> | undefined

/** Whom the pieces are handed to. */
export type Hearer = {
  /** The client was greeted: what it says before is out of turn. */
  readonly ready: boolean
  /** The next line may be a token. */
  readonly inLogin: boolean
  /** Does this when it is this client's turn: at once, or later. */
  inTurn(work: () => void): void
  /** A line without its end, one character for each octet. */
  command(line: string): Handling
  content(octets: Buffer): Handling
  contentEnded(): Handling
  violated(refused: Refusal): void
  /** An error of ours while a piece was dealt with. */
  failed(error: unknown): void
  /** Nothing more is handed out for now: whatever there is to say goes out. */
  rested(): void
  /** The client has nothing more to say, and what it had said as a whole is dealt with. */
  ended(): void
}

export class Inlet {
  readonly #socket: Socket
  readonly #hearer: Hearer
  readonly #commands: CommandLines
  /** Not looked at yet. */
  readonly #came: Buffer[] = []
  #cameBytes = 0
  /** While a content comes. */
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

  /** Octets are here that the client sent before it had our reply to the command that is being carried out. */
  get moreCame(): boolean {
    return this.#commands.waiting || this.#came.length > 0
  }

  /** A piece that was handed out is still being dealt with, or what came waits for its turn. */
  get busy(): boolean {
    return this.#handling !== undefined || this.#waitsForTurn
  }

  get inContent(): boolean {
    return this.#decoder !== undefined
  }

  /** What comes next is content. */
  expectContent(): void {
    this.#decoder = new DataDecoder()
  }

  /** Hands out nothing more, what the client had begun to say least of all; what is still dealt with is a promise. */
  close(): Handling {
    if (!this.#closed) this.#socket.off('data', this.#take).off('end', this.#end)
    this.#closed = true
    this.#commands.forget()
    return this.#handling
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
    // The client has to hear what was answered until here.
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
    // Of a socket that is given up somebody else is the reader.
    if (!this.#closed && this.#cameBytes === 0 && this.#socket.isPaused()) this.#socket.resume()
    if (this.#socket.readableEnded && !this.#closed && this.#handling === undefined) this.#hearer.ended()
  }

  #hasNext(): boolean {
    return !this.#closed && this.#handling === undefined && (this.#commands.hasLine || this.#came.length > 0)
  }

  /** What was waited for is dealt with. */
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

  /** All that came is judged before any line in it is carried out. */
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

/** Before the greeting. */
const outOfTurn = (octets: string): Refusal => misplacedIn(octets) ?? refusal('always.synchronization')
