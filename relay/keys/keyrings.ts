/** The keys that sign by one configuration after the other: read once for all who ask, and ahead of that some at a time. */
import { setImmediate as turn } from 'node:timers/promises'
import type { LoadedConfig } from '../config.ts'
import { Keyring } from '../mail/keyring.ts'

export class Keyrings {
  #last: { readonly loaded: LoadedConfig; readonly keyring: Keyring } | undefined

  /** A thousand domains that come with one configuration take half a second to read: others have their turns meanwhile. */
  async ahead(loaded: LoadedConfig): Promise<void> {
    if (this.#last?.loaded === loaded) return
    const reading = Keyring.reading(loaded, this.#last?.keyring)
    let step = reading.next()
    for (; step.done !== true; step = reading.next()) await turn()
    this.#last = { loaded, keyring: step.value }
  }

  of(loaded: LoadedConfig): Keyring {
    if (this.#last?.loaded === loaded) return this.#last.keyring
    const reading = Keyring.reading(loaded, this.#last?.keyring)
    let step = reading.next()
    while (step.done !== true) step = reading.next()
    this.#last = { loaded, keyring: step.value }
    return step.value
  }
}
