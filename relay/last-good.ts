/** A copy of the last good configuration on the relay's own volume, so that it starts while nobody can give it one. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { parseConfig } from './config.ts'
import type { Loaded } from './load.ts'
import { type Disk, nodeDisk } from './spool/disk.ts'
import { replaceFile } from './spool/replace-file.ts'

export class LastGood {
  readonly #file: string
  readonly #disk: Disk
  #kept: Loaded | undefined

  constructor(data: string, disk: Disk = nodeDisk) {
    this.#file = join(data, 'last-good.json')
    this.#disk = disk
  }

  /**
   * On the medium when it resolves; written once, however often it is asked to keep the same.
   * @throws Error naming the file; the copy of before is still there.
   */
  async keep(loaded: Loaded): Promise<void> {
    if (loaded === this.#kept) return
    const { config, hash, files } = loaded
    await turn()
    try {
      // After a loss of power there may be nobody else who has one.
      await replaceFile(this.#disk, this.#file, JSON.stringify({ hash, config, files: Object.fromEntries(files) }))
    } catch (error) {
      throw new Error(`${this.#file} can not be written: ${(error as Error).message}`)
    }
    this.#kept = loaded
  }

  /** @throws Error when there is none or it can not be read. */
  load(): Loaded {
    const kept = JSON.parse(readFileSync(this.#file, 'utf8')) as { hash: string; config: unknown; files: object }
    return {
      config: parseConfig(JSON.stringify(kept.config)),
      hash: kept.hash,
      files: new Map(Object.entries(kept.files)),
      stale: ['relay.json'],
    }
  }
}
