/** Where a relay's pages and listeners are, in a file for whoever is on its machine; no mail waits for it. */
import { rename, rm, writeFile } from 'node:fs/promises'
import { OneAtATime } from './one-at-a-time.ts'

export type Endpoints = {
  readonly pid: number
  readonly http: { readonly address: string; readonly port: number }
  readonly listeners: readonly { readonly name: string; readonly address: string; readonly port: number }[]
}

export class EndpointsFile {
  readonly #path: string
  readonly #failed: (why: string) => void
  readonly #writes = new OneAtATime(() => this.#write())
  #wanted = ''
  #written = ''
  #broken = false

  /** `failed` is told once of each trouble. */
  constructor(path: string, failed: (why: string) => void) {
    this.#path = path
    this.#failed = failed
  }

  /** What is new, or could not be written before, is written soon; a disk that hangs holds up nobody else. Never throws. */
  tell(endpoints: Endpoints): void {
    this.#wanted = `${JSON.stringify(endpoints)}\n`
    if (this.#wanted !== this.#written) this.#writes.ask()
  }

  async #write(): Promise<void> {
    const text = this.#wanted
    if (text === this.#written) return
    try {
      // A pipe in its place would be waited for.
      await rm(`${this.#path}.tmp`, { force: true })
      await writeFile(`${this.#path}.tmp`, text)
      await rename(`${this.#path}.tmp`, this.#path)
      this.#written = text
      this.#broken = false
    } catch (error) {
      if (!this.#broken) this.#failed((error as Error).message)
      this.#broken = true
    }
  }
}
