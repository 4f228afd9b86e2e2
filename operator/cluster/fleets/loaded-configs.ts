/**
 * The configuration that all relays of a fleet report, ready or not: only with it is it known that no relay has another one.
 */
import type { Name } from '../../compile/snapshot.ts'

export class LoadedConfigs {
  readonly #hashes = new Map<Name, string>()
  readonly #changed: (fleet: Name) => void

  /** `changed`: all relays of a fleet report another one than before; only to raise a flag. */
  constructor(changed: (fleet: Name) => void) {
    this.#changed = changed
  }

  /**
   * Takes note of what the relays of a fleet report; `hash` undefined: they differ, or one does not tell, or one still uses a
   * key of the configuration before.
   */
  note(fleet: Name, hash: string | undefined): void {
    if (this.#hashes.get(fleet) === hash) return
    if (hash === undefined) this.#hashes.delete(fleet)
    else this.#hashes.set(fleet, hash)
    if (hash !== undefined) this.#changed(fleet)
  }

  has(fleet: Name, hash: string | undefined): boolean {
    return hash !== undefined && this.#hashes.get(fleet) === hash
  }
}
