/** A copy of the last good configuration on the relay's own volume, so that it starts while nobody can give it one. */
import { readFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseConfig } from './config.ts'
import type { Loaded } from './load.ts'

export class LastGood {
  readonly #file: string
  #kept: Loaded | undefined

  constructor(data: string) {
    this.#file = join(data, 'last-good.json')
  }

  /**
   * Written once, however often it is asked to keep the same.
   * @throws Error naming the file; the copy of before is still there.
   */
  async keep(loaded: Loaded): Promise<void> {
    if (loaded === this.#kept) return
    const { config, hash, files } = loaded
    try {
      await this.#write(JSON.stringify({ hash, config, files: Object.fromEntries(files) }))
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

  async #write(text: string): Promise<void> {
    const temporary = `${this.#file}.tmp`
    await writeFile(temporary, text, { mode: 0o600 })
    await rename(temporary, this.#file)
  }
}
