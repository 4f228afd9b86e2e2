/** Gives out the content of messages, and never what was not received: damage is found before the last octet leaves. */
import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import type { ContentCache } from './content-cache.ts'
import type { Disk, DiskFile } from './disk.ts'
import { spoolError } from './disk-error.ts'
import type { Paths } from './paths.ts'
import type { Held, Place } from './segment.ts'
import { SpoolError } from './spool.ts'

const chunkBytes = 64 * 1024

type Parts = {
  readonly disk: Disk
  readonly paths: Paths
  readonly cache: ContentCache
  /** The content on disk is not what was received. */
  readonly damaged: (held: Held) => void
}

export class Contents {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  stream(held: Held): Readable {
    const cached = this.#parts.cache.get(queueIdOf(held))
    return Readable.from(cached ?? this.#chunks(held), { objectMode: false })
  }

  /** The content that lies in the journal. @throws SpoolError */
  async whole(held: Held): Promise<Buffer> {
    return this.#parts.cache.get(queueIdOf(held)) ?? (await this.#guarded(held, () => this.#fromJournal(held)))
  }

  async *#chunks(held: Held): AsyncGenerator<Buffer> {
    if (held.file === undefined) {
      yield await this.whole(held)
      return
    }
    const path = this.#parts.paths.content(queueIdOf(held))
    const file = await this.#guarded(held, () => this.#parts.disk.open(path))
    try {
      yield* this.#checked(held, file, held.file.crc)
    } finally {
      await file.close()
    }
  }

  async *#checked(held: Held, file: DiskFile, crc: number): AsyncGenerator<Buffer> {
    const { bytes } = held.message.envelope
    let sum = 0
    for (let at = 0; at < bytes; ) {
      const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, bytes - at))
      const got = await this.#guarded(held, () => file.read(chunk, at))
      at += chunk.length
      sum = crc32(chunk, sum)
      if (got < chunk.length || (at === bytes && sum !== crc)) throw this.#damage(held)
      yield chunk
    }
  }

  // A segment may be cleaned and gone between the look and the reading; the message then has a new place.
  async #fromJournal(held: Held): Promise<Buffer> {
    for (;;) {
      const { place } = held
      try {
        const content = await this.#readAt(place)
        if (content !== undefined) return content
        if (held.place === place) throw this.#damage(held)
      } catch (error) {
        if (held.place === place) throw error
      }
    }
  }

  /** Undefined when the checksum is another. */
  async #readAt({ segment, content }: Place): Promise<Buffer | undefined> {
    const file = await this.#parts.disk.open(this.#parts.paths.segment(segment.name))
    try {
      const bytes = Buffer.allocUnsafe(content.length)
      const got = await file.read(bytes, content.offset)
      return got === content.length && crc32(bytes) === content.crc ? bytes : undefined
    } finally {
      await file.close()
    }
  }

  #damage(held: Held): SpoolError {
    this.#parts.damaged(held)
    return new SpoolError('fault', `${this.#nameOf(held)} is damaged: it was set aside`)
  }

  async #guarded<T>(held: Held, deed: () => Promise<T>): Promise<T> {
    try {
      return await deed()
    } catch (error) {
      throw spoolError(`${this.#nameOf(held)} could not be read`, error)
    }
  }

  #nameOf(held: Held): string {
    return `spool ${this.#parts.paths.directory}: the content of message ${queueIdOf(held)}`
  }
}

const queueIdOf = (held: Held): string => held.message.envelope.queueId
