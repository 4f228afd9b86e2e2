/** Writes the addresses of a relay's pages and listeners to a file, for programs on its machine; no mail waits for that. */
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

  /** `failed` is called once for each trouble, not for each try. */
  constructor(path: string, failed: (why: string) => void) {
    this.#path = path
    this.#failed = failed
  }

  /** Writes them soon, if they have changed or could not be written before. Never throws, and waits for no disk. */
  tell(endpoints: Endpoints): void {
    this.#wanted = `${JSON.stringify(endpoints)}\n`
    if (this.#wanted !== this.#written) this.#writes.ask()
  }

  async #write(): Promise<void> {
    const text = this.#wanted
    if (text === this.#written) return
    try {
      // To open a named pipe in its place would hang.
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
