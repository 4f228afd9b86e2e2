/** A message on its way in: held in memory while it is small, in a file of its own from then on. */
import type { Envelope, QueuedMessage } from '../mail/envelope.ts'
import { joined } from '../mail/joined.ts'
import type { LargeFile } from './large-files.ts'
import type { ContentFile } from './record.ts'
import type { Incoming } from './spool.ts'

/**
 * Content up to this size goes into the journal with its envelope: one write, and no file. Each session may hold as much in
 * memory; a file of its own would double what a message of this size costs.
 */
export const smallBytes = 128 * 1024
/** While all contents on their way in hold more than this, each holds less: many slow clients do not fill the memory. */
export const manyBytes = 8 * 1024 * 1024
export const smallAmongMany = 16 * 1024

/** Octets that contents on their way in hold in memory. */
export type Held = { bytes: number }

/** The whole content: in a file that is durable, or in memory, to be written with the envelope. */
export type Received = { readonly bytes: number } & (
  | { readonly content: Buffer; readonly file?: never }
  | { readonly content?: never; readonly file: ContentFile }
)

/** What all messages on their way in share. */
export type Destination = {
  /** What they hold in memory, all together. */
  readonly held: Held
  /** Whether anything is taken now. @throws SpoolError where it is not */
  readonly check: (isReport: boolean) => Promise<void> | undefined
  /** Writes so many octets, which count as taken meanwhile. @throws SpoolError where there is no room for them */
  readonly taking: (isReport: boolean, bytes: number, write: () => Promise<void>) => Promise<void>
  readonly createFile: (queueId: string) => Promise<LargeFile>
  /** Octets that went to a file of their own. */
  readonly wrote: (bytes: number) => void
  readonly accept: (envelope: Envelope, received: Received) => Promise<QueuedMessage>
  /** The error that the caller gets for whatever the disk threw. */
  readonly failed: (queueId: string, error: unknown) => Error
  /** The message was accepted or given up. */
  readonly ended: (queueId: string) => void
}

export class IncomingMessage implements Incoming {
  readonly queueId: string
  readonly #isReport: boolean
  readonly #to: Destination
  #chunks: Buffer[] = []
  #bytes = 0
  #file: LargeFile | undefined
  /** The file, once all of it is on disk. */
  #synced: ContentFile | undefined
  #ended = false

  constructor(queueId: string, isReport: boolean, to: Destination) {
    this.queueId = queueId
    this.#isReport = isReport
    this.#to = to
  }

  async write(chunk: Buffer): Promise<void> {
    this.#mustBeOpen()
    this.#bytes += chunk.length
    const most = this.#to.held.bytes > manyBytes ? smallAmongMany : smallBytes
    if (this.#file === undefined && this.#bytes <= most) return this.#hold(chunk)
    try {
      await this.#toFile(chunk)
    } catch (error) {
      throw await this.#forgotten(error)
    }
  }

  async sync(): Promise<void> {
    this.#mustBeOpen()
    try {
      this.#synced ??= await this.#file?.finish()
    } catch (error) {
      throw await this.#forgotten(error)
    }
  }

  async commit(envelope: Omit<Envelope, 'queueId' | 'bytes'>): Promise<QueuedMessage> {
    this.#mustBeOpen()
    if (this.#file !== undefined) await this.sync()
    try {
      const received = this.#received()
      const { queueId } = this
      const message = await this.#to.accept({ ...envelope, queueId, bytes: received.bytes }, received)
      this.#end()
      return message
    } catch (error) {
      throw await this.#forgotten(error)
    }
  }

  async abort(): Promise<void> {
    if (this.#ended) return
    this.#end()
    await this.#file?.discard()
  }

  #hold(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#to.held.bytes += chunk.length
  }

  #letGo(): void {
    for (const { length } of this.#chunks) this.#to.held.bytes -= length
    this.#chunks = []
  }

  #received(): Received {
    if (this.#synced !== undefined) return { bytes: this.#bytes, file: this.#synced }
    return { bytes: this.#bytes, content: joined(this.#chunks) }
  }

  /** Until the disk has taken it, it is in memory: should that take long, contents that come meanwhile hold less. */
  async #toFile(chunk: Buffer): Promise<void> {
    this.#hold(chunk)
    const waiting = this.#chunks
    await this.#to.check(this.#isReport)
    const bytes = waiting.reduce((sum, { length }) => sum + length, 0)
    await this.#to.taking(this.#isReport, bytes, () => this.#writeOut(waiting))
    this.#letGo()
  }

  async #writeOut(chunks: readonly Buffer[]): Promise<void> {
    this.#file ??= await this.#to.createFile(this.queueId)
    for (const each of chunks) {
      await this.#file.write(each)
      this.#to.wrote(each.length)
    }
  }

  /** Gives the message up, and returns what its caller is told. */
  async #forgotten(error: unknown): Promise<Error> {
    await this.abort()
    return this.#to.failed(this.queueId, error)
  }

  #mustBeOpen(): void {
    if (this.#ended) throw new Error(`message ${this.queueId} was committed or forgotten before`)
  }

  #end(): void {
    this.#ended = true
    this.#letGo()
    this.#to.ended(this.queueId)
  }
}
