/** Where a relay's pages and listeners are, in a file for whoever is on its machine; no mail waits for it. */
import { renameSync, writeFileSync } from 'node:fs'

export type Endpoints = {
  readonly pid: number
  readonly http: { readonly address: string; readonly port: number }
  readonly listeners: readonly { readonly name: string; readonly address: string; readonly port: number }[]
}

export class EndpointsFile {
  readonly #path: string
  readonly #failed: (why: string) => void
  #written = ''
  #broken = false

  /** `failed` is told once of each trouble. */
  constructor(path: string, failed: (why: string) => void) {
    this.#path = path
    this.#failed = failed
  }

  /** Writes what is new, or could not be written before; never throws. */
  tell(endpoints: Endpoints): void {
    const text = `${JSON.stringify(endpoints)}\n`
    if (text === this.#written) return
    try {
      writeFileSync(`${this.#path}.tmp`, text)
      renameSync(`${this.#path}.tmp`, this.#path)
      this.#written = text
      this.#broken = false
    } catch (error) {
      if (!this.#broken) this.#failed((error as Error).message)
      this.#broken = true
    }
  }
}
