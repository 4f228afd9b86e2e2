/** Gives out the contents of messages. Damage is found before the last octet leaves, so that it never passes for a whole message. */
import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import type { Envelope, QueuedMessage } from '../mail/envelope.ts'
import type { ContentCache } from './content-cache.ts'
import type { Disk, DiskFile } from './disk.ts'
import { spoolError } from './disk-error.ts'
import type { Messages } from './messages.ts'
import type { Paths } from './paths.ts'
import { SpoolError } from './spool.ts'
import type { Unreadable } from './unreadable.ts'

const chunkBytes = 64 * 1024

type Parts = {
  readonly disk: Disk
  readonly paths: Paths
  readonly cache: ContentCache
  readonly messages: Messages
  readonly unreadable: Unreadable
  /** Told when the content on disk is not what was received. False: it could not be set aside, and the message stays. */
  readonly damaged: (handle: number, queueId: string) => Promise<boolean>
}

export class Contents {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  stream(handle: number, queueId: string): Readable {
    const cached = this.#parts.cache.get(queueId)
    return Readable.from(cached ?? this.#chunks(handle, queueId), { objectMode: false })
  }

  /** The message; a small content, which was read with it, stays in memory, since it is asked for next. @throws SpoolError */
  async message(handle: number): Promise<QueuedMessage | undefined> {
    const loaded = await this.#parts.messages.load(handle)
    if (loaded === undefined) return undefined
    const { queueId } = loaded.message.envelope
    const { cache } = this.#parts
    if (loaded.file === undefined && cache.get(queueId) === undefined) cache.put(queueId, loaded.content)
    return loaded.message
  }

  async *#chunks(handle: number, queueId: string): AsyncGenerator<Buffer> {
    const loaded = await this.#parts.messages.load(handle)
    if (loaded === undefined || loaded.message.envelope.queueId !== queueId) {
      throw new SpoolError('fault', `${this.#nameOf(queueId)} is damaged or gone`)
    }
    if (loaded.file === undefined) {
      yield loaded.content
      return
    }
    const { disk, paths } = this.#parts
    const file = await this.#guarded(handle, queueId, 'name', () => disk.open(paths.content(queueId)))
    try {
      yield* this.#checked(handle, loaded.message, file, loaded.file.crc)
    } finally {
      await file.close()
    }
  }

  async *#checked(handle: number, { envelope }: QueuedMessage, file: DiskFile, crc: number): AsyncGenerator<Buffer> {
    const { queueId, bytes } = envelope
    let at = 0
    let sum = 0
    for await (const chunk of this.#read(handle, envelope, file)) {
      at += chunk.length
      sum = crc32(chunk, sum)
      // The last chunk of a damaged content is never given out.
      if (at === bytes && sum !== crc) break
      yield chunk
    }
    if (at === bytes && sum === crc) return
    if (!(await this.#isWhole(handle, envelope, file, crc))) throw await this.#damage(handle, queueId)
    throw new SpoolError('fault', `${this.#nameOf(queueId)} was read wrong, and lies there whole: it is read again`)
  }

  /** Chunks up to the length that was accepted, or to the last whole one of a file that is shorter. */
  async *#read(handle: number, { queueId, bytes }: Envelope, file: DiskFile): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes; at += chunkBytes) {
      const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, bytes - at))
      const got = await this.#guarded(handle, queueId, at, () => file.read(chunk, at))
      if (got < chunk.length) return
      yield chunk
    }
  }

  /** Reads it again after it was wrong: the network or memory may have erred, and the file may be whole. */
  async #isWhole(handle: number, envelope: Envelope, file: DiskFile, crc: number): Promise<boolean> {
    let sum = 0
    for await (const chunk of this.#read(handle, envelope, file)) sum = crc32(chunk, sum)
    return sum === crc
  }

  async #damage(handle: number, queueId: string): Promise<SpoolError> {
    const isAside = await this.#parts.damaged(handle, queueId)
    const what = isAside ? 'is damaged: it was set aside' : 'is damaged or gone, and can not be set aside'
    return new SpoolError('fault', `${this.#nameOf(queueId)} ${what}`)
  }

  async #guarded<T>(handle: number, queueId: string, at: number | 'name', deed: () => Promise<T>): Promise<T> {
    const place = `${this.#parts.paths.content(queueId)}:${at}`
    const got = await this.#parts.unreadable.read(place, deed).catch((error: unknown) => {
      throw spoolError(`${this.#nameOf(queueId)} could not be read`, error)
    })
    if (got === undefined) throw await this.#damage(handle, queueId)
    return got
  }

  #nameOf(queueId: string): string {
    return `spool ${this.#parts.paths.directory}: the content of message ${queueId}`
  }
}
