/** Which configuration every relay of a fleet reports, ready or not: only then is it known that no relay has another one. */
import type { Name } from '../../compile/snapshot.ts'

export class LoadedConfigs {
  readonly #hashes = new Map<Name, string>()
  readonly #changed: (fleet: Name) => void

  /** `changed`: all relays of a fleet report another one than before; only to raise a flag. */
  constructor(changed: (fleet: Name) => void) {
    this.#changed = changed
  }

  /** `hash` undefined: they differ, or one of them does not tell, or has an attempt under way with what was before. */
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
