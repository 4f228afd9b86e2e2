/** What an opening of a spool finds that is damaged, or nobody's: it is told, and moved aside or swept. */
import type { Events } from '../events.ts'
import type { Disk } from './disk.ts'
import { isOfNoFile } from './disk-error.ts'
import type { Paths } from './paths.ts'
import { setAside } from './quarantine.ts'

export type OpeningParts = {
  readonly disk: Disk
  readonly paths: Paths
  readonly events: Pick<Events, 'forgotten' | 'quarantined'>
}

export class Findings {
  readonly #parts: OpeningParts
  #damage = false
  #swept = 0

  constructor(parts: OpeningParts) {
    this.#parts = parts
  }

  /** Something was set aside, or is to be. */
  get damage(): boolean {
    return this.#damage
  }

  /** Unfinished files and records, of which nobody was promised anything. */
  get swept(): number {
    return this.#swept
  }

  tell(file: string, why: string): void {
    this.#damage = true
    this.#parts.events.quarantined(file, why)
  }

  /** A record that was never whole. */
  sweepRecord(): void {
    this.#swept += 1
  }

  /** Deletes it. A folder cannot be deleted so, and would be in the way of a file of that name: it is moved aside. */
  async sweep(path: string, name: string): Promise<void> {
    this.#swept += 1
    const kept = await this.#parts.disk.unlink(path).catch((error: unknown) => error)
    if (isOfNoFile(kept)) await this.setAside(path, name, 'is a folder')
  }

  /** Whether it lies there. */
  async setAside(path: string, name: string, why: string): Promise<boolean> {
    const whyNot = await setAside(this.#parts.disk, this.#parts.paths, path, name)
    this.tell(path, whyNot === undefined ? why : `${why}, and can not be set aside: ${whyNot}`)
    return whyNot === undefined
  }
}
