/** A message on its way in: held in memory while it is small, in a file of its own from then on. */
import type { Envelope, QueuedMessage } from '../mail/envelope.ts'
import type { LargeFile } from './large-files.ts'
import type { ContentFile } from './record.ts'
import type { Incoming } from './spool.ts'

/**
 * Up to here the content goes into the journal with its envelope: one write, no file. Each session may hold as much in memory;
 * a file of its own doubles what a message of this size costs.
 */
export const smallBytes = 128 * 1024
/** While all contents on their way in hold more than this, each holds less: many slow clients do not fill the memory. */
export const manyBytes = 8 * 1024 * 1024
export const smallAmongMany = 16 * 1024

/** Octets that contents on their way in hold in memory. */
export type Held = { bytes: number }

/** What is durable of the content, or waits to be written with the envelope. */
export type Received = { readonly bytes: number } & (
  | { readonly content: Buffer; readonly file?: never }
  | { readonly content?: never; readonly file: ContentFile }
)

type Parts = {
  readonly queueId: string
  /** Of all of them together. */
  readonly held: Held
  /** Why so many octets are not taken now. @throws SpoolError */
  readonly check: (bytes: number) => Promise<void>
  readonly createFile: () => Promise<LargeFile>
  /** Octets that went to a file of their own. */
  readonly wrote: (bytes: number) => void
  readonly accept: (envelope: Omit<Envelope, 'queueId' | 'bytes'>, received: Received) => Promise<QueuedMessage>
  /** Whatever the disk threw, as the spool tells it. */
  readonly failed: (error: unknown) => Error
  /** It was accepted or forgotten. */
  readonly ended: () => void
}

export class IncomingMessage implements Incoming {
  readonly queueId: string
  readonly #parts: Parts
  #chunks: Buffer[] = []
  #bytes = 0
  #file: LargeFile | undefined
  #ended = false

  constructor(parts: Parts) {
    this.queueId = parts.queueId
    this.#parts = parts
  }

  async write(chunk: Buffer): Promise<void> {
    this.#mustBeOpen()
    this.#bytes += chunk.length
    const most = this.#parts.held.bytes > manyBytes ? smallAmongMany : smallBytes
    if (this.#file === undefined && this.#bytes <= most) return this.#hold(chunk)
    await this.#orForget(() => this.#toFile(chunk))
  }

  async commit(envelope: Omit<Envelope, 'queueId' | 'bytes'>): Promise<QueuedMessage> {
    this.#mustBeOpen()
    const message = await this.#orForget(async () => this.#parts.accept(envelope, await this.#received()))
    this.#end()
    return message
  }

  async abort(): Promise<void> {
    if (this.#ended) return
    this.#end()
    await this.#file?.discard()
  }

  #hold(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#parts.held.bytes += chunk.length
  }

  #letGo(): readonly Buffer[] {
    const chunks = this.#chunks
    for (const { length } of chunks) this.#parts.held.bytes -= length
    this.#chunks = []
    return chunks
  }

  async #received(): Promise<Received> {
    if (this.#file !== undefined) return { bytes: this.#bytes, file: await this.#file.finish() }
    const [only] = this.#chunks
    const whole = only !== undefined && this.#chunks.length === 1
    return { bytes: this.#bytes, content: whole ? only : Buffer.concat(this.#chunks, this.#bytes) }
  }

  async #toFile(chunk: Buffer): Promise<void> {
    const waiting = [...this.#letGo(), chunk]
    await this.#parts.check(waiting.reduce((sum, { length }) => sum + length, 0))
    this.#file ??= await this.#parts.createFile()
    for (const each of waiting) {
      await this.#file.write(each)
      this.#parts.wrote(each.length)
    }
  }

  async #orForget<T>(deed: () => Promise<T>): Promise<T> {
    try {
      return await deed()
    } catch (error) {
      await this.abort()
      throw this.#parts.failed(error)
    }
  }

  #mustBeOpen(): void {
    if (this.#ended) throw new Error(`message ${this.queueId} was committed or forgotten before`)
  }

  #end(): void {
    this.#ended = true
    this.#letGo()
    this.#parts.ended()
  }
}
