/** Knows when each key was last used, and from where: whoever retires an old one has to know who would be cut off. */
import type { RelayConfig } from '../config.ts'
import type { KeyUsage } from '../http.ts'
import type { KeyUse, KeyUsesFile } from './key-uses-file.ts'

type Parts = {
  /** Absent: a restart forgets. */
  readonly file?: KeyUsesFile
  /** Milliseconds since the epoch. */
  readonly wall?: () => number
}

/** Nobody is told more exactly; a key that rests for longer is written down with its first use. */
const grainMs = 60_000

export class KeyUses {
  readonly #file: KeyUsesFile | undefined
  readonly #wall: () => number
  /** By credential and key; what the file knows from before is not here until it is used again. */
  readonly #uses = new Map<string, KeyUse>()
  readonly #written = new Map<string, number>()

  constructor({ file, wall = Date.now }: Parts) {
    this.#file = file
    this.#wall = wall
  }

  /** Somebody proved to have it: with a login, or by going on in a session that began with one. */
  note(credential: string, key: string, client: string): void {
    const name = nameOf(credential, key)
    const use = { at: this.#wall(), client }
    this.#uses.set(name, use)
    // A clock that was set back writes, too.
    if (Math.abs(use.at - (this.#written.get(name) ?? Number.NEGATIVE_INFINITY)) < grainMs) return
    this.#written.set(name, use.at)
    this.#file?.note(name, use)
  }

  /** Of the keys in this configuration; the others are forgotten. */
  usage({ credentials }: RelayConfig): readonly KeyUsage[] {
    const names = new Set(credentials.flatMap(({ name, keys }) => keys.map(({ id }) => nameOf(name, id))))
    for (const name of this.#uses.keys()) if (!names.has(name)) this.#forget(name)
    this.#file?.keepOnly(names)
    return credentials.flatMap(({ name, keys }) =>
      keys.flatMap(({ id }): readonly KeyUsage[] => {
        const use = this.#use(nameOf(name, id))
        return use === undefined ? [] : [{ name, key: id, at: new Date(use.at).toISOString(), client: use.client }]
      }),
    )
  }

  close(): void {
    for (const [name, use] of this.#uses) this.#file?.note(name, use)
    this.#file?.close()
  }

  #use(name: string): KeyUse | undefined {
    return this.#uses.get(name) ?? this.#file?.get(name)
  }

  #forget(name: string): void {
    this.#uses.delete(name)
    this.#written.delete(name)
  }
}

const nameOf = (credential: string, key: string): string => `${credential} ${key}`
