/** Segments as they are read at the start: whole, one after the other, in one buffer. */
import { crc32 } from 'node:zlib'
import { again } from './again.ts'
import type { Disk } from './disk.ts'
import { isOfNoFile, isOfTheMedium, wordsOf } from './disk-error.ts'
import { SpoolError } from './spool.ts'

export class WholeSegments {
  readonly #disk: Pick<Disk, 'size' | 'open'>
  #buffer: Buffer = Buffer.of()

  constructor(disk: Pick<Disk, 'size' | 'open'>) {
    this.#disk = disk
  }

  /**
   * Valid until the next one is read, which uses the same buffer. Undefined when it is no file.
   * @throws what a person must mend: acknowledged mail, and what has left, may be in it
   */
  async read(path: string): Promise<Buffer | undefined> {
    try {
      return await again(() => this.#whole(path))
    } catch (error) {
      if (isOfNoFile(error)) return undefined
      if (!isOfTheMedium(error)) throw error
      throw notRead(path, error)
    }
  }

  /** Reads until two reads agree: an error of the network or of memory must not be written back, nor count as damage. */
  async readTwice(path: string): Promise<Buffer | undefined> {
    let before: number | undefined
    for (let reads = 0; reads < mostReads; reads += 1) {
      const bytes = await this.read(path)
      const sum = bytes && crc32(bytes)
      if (sum === before) return bytes
      before = sum
    }
    throw new SpoolError('fault', `${path} is read otherwise each time; ${mend}`)
  }

  async #whole(path: string): Promise<Buffer> {
    const size = Math.min(await this.#disk.size(path), mostBytes)
    // Segments differ in size by their last write: a little more is enough for all of them.
    if (this.#buffer.length < size) this.#buffer = Buffer.allocUnsafeSlow(Math.ceil(1.2 * size))
    const file = await this.#disk.open(path)
    try {
      return this.#buffer.subarray(0, await file.read(this.#buffer.subarray(0, size), 0))
    } finally {
      await file.close()
    }
  }
}

/** Of a segment, or a record in it, that a start can not do without. */
export const notRead = (path: string, error: unknown): SpoolError =>
  new SpoolError('fault', `${path} cannot be read: ${wordsOf(error)}; ${mend}`, error)

const mostReads = 4

/** Several times what a segment and its last write may have. A damaged file may say that it has more than there is memory. */
const mostBytes = 128 * 1024 * 1024

const mend =
  'nothing was given up: start again when the disk gives it out, or put a copy of what can be read in its place (docs/sre.md)'
