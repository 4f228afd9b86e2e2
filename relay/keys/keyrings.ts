/** The keyring of the newest configuration: read once for all who sign by it, and in small steps if it is read in advance. */
import { setImmediate as turn } from 'node:timers/promises'
import type { LoadedConfig } from '../config.ts'
import { Keyring } from '../mail/keyring.ts'

export class Keyrings {
  #last: { readonly loaded: LoadedConfig; readonly keyring: Keyring } | undefined

  /** Reads the keys of a new configuration in steps: a thousand domains take half a second, and sessions must not wait for it. */
  async ahead(loaded: LoadedConfig): Promise<void> {
    if (this.#last?.loaded === loaded) return
    const reading = this.#reading(loaded)
    while (reading.next().done !== true) await turn()
  }

  of(loaded: LoadedConfig): Keyring {
    if (this.#last?.loaded === loaded) return this.#last.keyring
    const reading = this.#reading(loaded)
    let step = reading.next()
    while (step.done !== true) step = reading.next()
    return step.value
  }

  *#reading(loaded: LoadedConfig): Generator<void, Keyring, void> {
    const keyring = yield* Keyring.reading(loaded, this.#last?.keyring)
    this.#last = { loaded, keyring }
    return keyring
  }
}
