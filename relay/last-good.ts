/**
 * A copy of the last good configuration on the relay's own volume, so that it can start by that where the newest one is bad or
 * gone.
 */
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { boundedText } from './bounded-file.ts'
import { parseConfig } from './config.ts'
import type { Loaded } from './load.ts'
import { type Disk, nodeDisk } from './spool/disk.ts'
import { isAbsent, wordsOf } from './spool/disk-error.ts'
import { replaceFile } from './spool/replace-file.ts'
import { within } from './within.ts'

/** So long a disk that hangs may hold up the next configuration, which may take a right away. */
const ordinaryPatienceMs = 5000

/** Several times what a configuration with 10,000 credentials takes. */
const mostBytes = 67_108_864

export class LastGood {
  readonly #file: string
  readonly #disk: Disk
  readonly #patienceMs: number
  #wanted: Loaded | undefined
  #kept: Loaded | undefined
  #writing: Promise<void> | undefined

  constructor(data: string, disk: Disk = nodeDisk, patienceMs = ordinaryPatienceMs) {
    this.#file = join(data, 'last-good.json')
    this.#disk = disk
    this.#patienceMs = patienceMs
  }

  /**
   * Resolves when the copy is on the disk, synced. The same object is written once, however often it is asked for.
   * @throws Error naming the file: the earlier copy is still there; where the disk takes too long, the write goes on all the same.
   */
  async keep(loaded: Loaded): Promise<void> {
    if (loaded === this.#kept) return
    this.#wanted = loaded
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
    })
    const written = await within(
      this.#patienceMs,
      this.#writing.then(() => true),
    )
    if (written === undefined)
      throw new Error(`${this.#file} is not written yet: the disk takes longer than ${this.#patienceMs / 1000} s`)
  }

  /** Never two at a time, since they share one temporary file. */
  async #write(): Promise<void> {
    for (let next = this.#wanted; next !== undefined && next !== this.#kept; next = this.#wanted) {
      const { config, hash, files } = next
      await turn()
      try {
        // Synced: after a loss of power this may be the only configuration there is.
        await replaceFile(this.#disk, this.#file, JSON.stringify({ hash, config, files: Object.fromEntries(files) }))
      } catch (error) {
        throw new Error(`${this.#file} can not be written: ${wordsOf(error)}`)
      }
      this.#kept = next
    }
  }

  /** @throws Error that says that there is no copy, or why it can not be used. */
  load(): Loaded {
    try {
      return this.#read()
    } catch (error) {
      if (isAbsent(error)) throw new Error(`there is no last good one, ${this.#file}`)
      // The message of a SyntaxError quotes some of the text, which may be of a key.
      const why = error instanceof SyntaxError ? 'it is no JSON' : (error as Error).message
      throw new Error(`the last good configuration, ${this.#file}, can not be used: ${why}`)
    }
  }

  #read(): Loaded {
    const kept = JSON.parse(boundedText(this.#file, mostBytes)) as {
      hash: string
      config: unknown
      files: object
    }
    return {
      config: parseConfig(JSON.stringify(kept.config)),
      hash: kept.hash,
      files: new Map(Object.entries(kept.files)),
      stale: new Map([['relay.json', 'it was not good when this relay started']]),
    }
  }
}
