/** Sees every octet before smtp-server reads lines in it, and knows whether more came than was answered. */
import type { SMTPServerDataStream } from 'smtp-server'
import { SMTPStream } from 'smtp-server/lib/smtp-stream.js'
import { type Refusal, refusal } from '../mail/rule.ts'
import { CommandLines } from './command-lines.ts'
import { DataDecoder } from './data-decoder.ts'
import { loginLineBytes } from './limits.ts'

type Next = (error?: Error | null) => void

/** Whom the gate works for. */
export type Gatekeeper = {
  /** The client was greeted. */
  readonly ready: boolean
  /** The next line may be a token. */
  readonly inLogin: boolean
  violated(refused: Refusal): void
  _onCommand(command: Buffer, callback?: () => void): void
}

export class Gate extends SMTPStream {
  readonly #connection: Gatekeeper
  readonly #commands: CommandLines
  #data = new DataDecoder()
  #writing = 0

  constructor(connection: Gatekeeper) {
    super({ maxCommandLength: loginLineBytes })
    this.#connection = connection
    this.#commands = new CommandLines(() => connection.violated(refusal('always.idle')))
  }

  /** Octets are here that the client sent before it had our reply to the command that is being carried out. */
  get moreCame(): boolean {
    return this.#commands.waiting || this.writableLength > this.#writing
  }

  forget(): void {
    this.#commands.forget()
  }

  override oncommand(command: Buffer, callback?: () => void): void {
    this.#commands.took()
    this.#connection._onCommand(command, callback)
  }

  /** smtp-server would carry out what a client had begun to say when it left, a login cut short among it. */
  override _flushData(): void {}

  override startDataMode(maxBytes?: number | string | null): SMTPServerDataStream {
    this.#data = new DataDecoder()
    return super.startDataMode(maxBytes)
  }

  /** smtp-server takes dots away behind a bare LF, and leaves the one before other characters. */
  override _feedDataStream(chunk: Buffer, done: Next): void {
    const { content, rest } = this.#data.take(chunk)
    if (rest === undefined) this.#give(content, done)
    else this._endDataMode(content, rest, done)
  }

  /** A stream that is destroyed never drains. */
  #give(content: Buffer, done: Next): void {
    const stream = this._dataStream
    if (content.length === 0 || !stream?.writable || stream.write(content) || stream.destroyed) {
      done()
      return
    }
    const goOn = (): void => {
      stream.off('drain', goOn).off('close', goOn)
      done()
    }
    stream.once('drain', goOn).once('close', goOn)
  }

  /** The outer call is the socket's; inner ones are smtp-server's, with what came behind a content. */
  override _write(chunk: Buffer, encoding: BufferEncoding | 'buffer', next: Next): void {
    if (this.#writing > 0) {
      this.#pass(chunk, encoding, next)
      return
    }
    this.#writing = chunk.length
    this.#pass(chunk, encoding, (error) => {
      this.#writing = 0
      next(error)
    })
  }

  #pass(chunk: Buffer, encoding: BufferEncoding | 'buffer', next: Next): void {
    const fault = this._dataMode || this.isClosed || chunk.length === 0 ? undefined : this.#faultIn(chunk)
    if (fault) {
      this.#connection.violated(fault)
      next()
    } else super._write(chunk, encoding, next)
  }

  #faultIn(chunk: Buffer): Refusal | undefined {
    if (!this.#connection.ready) return refusal('always.synchronization')
    return this.#commands.take(chunk.toString('latin1'), this.#connection.inLogin)
  }
}
