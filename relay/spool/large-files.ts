/** Content that is too large for the journal: one file each, durable with its name before the journal speaks of it. */
import { crc32 } from 'node:zlib'
import type { Disk, DiskFile } from './disk.ts'
import { isAbsent, isTaken, spoolError } from './disk-error.ts'
import { type Shared, shared } from './group-commit.ts'
import type { Paths } from './paths.ts'
import type { ContentFile } from './record.ts'
import type { Silence } from './silence.ts'

export type LargeFile = {
  write(chunk: Buffer): Promise<void>
  /** Durable, name included, when it resolves. */
  finish(): Promise<ContentFile>
  /** Leaves nothing behind. Never throws. */
  discard(): Promise<void>
}

type Finished = { readonly file: DiskFile; error?: unknown }

export class LargeFiles {
  readonly #disk: Disk
  readonly #paths: Paths
  readonly #silence: Pick<Silence, 'during'>
  readonly #syncing: Shared<Finished>
  /** By queue id: files that are being removed, and those that the disk did not remove. */
  readonly #removing = new Map<string, Promise<void>>()
  readonly #left = new Set<string>()
  #probing: Promise<void> | undefined

  constructor(disk: Disk, paths: Paths, silence: Pick<Silence, 'during'>) {
    this.#disk = disk
    this.#paths = paths
    this.#silence = silence
    this.#syncing = shared((batch) => this.#sync(batch))
  }

  /** @throws the disk's error */
  async create(queueId: string): Promise<LargeFile> {
    // That of a DSN which is made anew has the same name.
    await this.#removing.get(queueId)
    this.#left.delete(queueId)
    const file = await this.#silence.during(this.#createAnew(queueId))
    let bytes = 0
    let crc = 0
    let open = true
    const close = async (): Promise<void> => {
      if (!open) return
      open = false
      await file.close()
    }
    return {
      write: async (chunk) => {
        await this.#silence.during(file.write([chunk], bytes))
        bytes += chunk.length
        crc = crc32(chunk, crc)
      },
      finish: async () => {
        const finished: Finished = { file }
        await this.#syncing.add(finished)
        if (finished.error !== undefined) throw finished.error
        await close()
        return { crc }
      },
      discard: async () => {
        await close().catch(ignored)
        await this.remove(queueId)
      },
    }
  }

  /** What a crash leaves behind is swept at the next start, and what the disk does not remove when it works again. Never throws. */
  remove(queueId: string): Promise<void> {
    // A second call might come so late that it removes the file of a DSN which is made anew.
    const known = this.#removing.get(queueId)
    if (known !== undefined) return known
    const removing = this.#remove(queueId).finally(() => this.#removing.delete(queueId))
    this.#removing.set(queueId, removing)
    return removing
  }

  async #remove(queueId: string): Promise<void> {
    const error = await this.#disk.unlink(this.#paths.content(queueId)).catch((failed: unknown) => failed)
    if (error !== undefined && !isAbsent(error)) {
      this.#left.add(queueId)
      return
    }
    this.#left.delete(queueId)
    // The disk removes files again: one that it did not remove before goes now, and then the next.
    const [left] = this.#left
    if (left !== undefined) void this.remove(left)
  }

  // A DSN that is tried again has the same id, and a disk that failed may not have removed the file of the first try.
  #createAnew(queueId: string): Promise<DiskFile> {
    const path = this.#paths.content(queueId)
    return this.#disk.create(path).catch(async (error: unknown) => {
      if (!isTaken(error)) throw error
      await this.#disk.unlink(path)
      return this.#disk.create(path)
    })
  }

  /**
   * Writes, syncs and removes a new file, once for all who ask meanwhile: whether the disk is sound. If it is, what it did not remove
   * before is removed. @throws SpoolError
   */
  probe(): Promise<void> {
    this.#probing ??= this.#probe().finally(() => {
      this.#probing = undefined
    })
    return this.#probing
  }

  async #probe(): Promise<void> {
    const path = `${this.#paths.large}/probe`
    try {
      await this.#disk.unlink(path).catch(ignored)
      const file = await this.#disk.create(path)
      try {
        await file.write([Buffer.from('probe')], 0)
        await file.sync()
      } finally {
        await file.close()
      }
      await this.#disk.unlink(path)
      for (const queueId of this.#left) await this.remove(queueId)
    } catch (error) {
      throw spoolError(`spool ${this.#paths.directory}: a new file could not be written`, error)
    }
  }

  // One after the other: many slow syncs at once would take every thread of the pool, and with it DNS and the journal.
  async #sync(batch: readonly Finished[]): Promise<void> {
    for (const finished of batch) {
      await this.#silence.during(finished.file.sync()).catch((error: unknown) => {
        finished.error = error
      })
    }
    await this.#silence.during(this.#disk.syncDirectory(this.#paths.large))
  }
}

const ignored = (): void => {}
