/** Knows when each key was last used, and from where: whoever retires an old one has to know who would be cut off. */
import type { RelayConfig } from '../config.ts'
import type { KeyUsage } from '../http.ts'
import type { KeyUse, KeyUsesFile } from './key-uses-file.ts'

type Parts = {
  /** Absent: a restart forgets. */
  readonly file?: KeyUsesFile
  /** Milliseconds since the epoch. */
  readonly wall?: () => number
  /** Does not jump when the clock is set: whoever asks counts by how long ago a use was. */
  readonly monotonic?: () => number
}

/** Nobody is told more exactly; a key that rests for longer is written down with its first use. */
const grainMs = 60_000

export class KeyUses {
  readonly #file: KeyUsesFile | undefined
  readonly #wall: () => number
  readonly #monotonic: () => number
  readonly #startedAt: number
  /** By credential and key, on the monotonic clock; what the file knows from before is not here until it is used again. */
  readonly #uses = new Map<string, KeyUse>()
  readonly #written = new Map<string, number>()

  constructor({ file, wall = Date.now, monotonic = () => performance.now() }: Parts) {
    this.#file = file
    this.#wall = wall
    this.#monotonic = monotonic
    this.#startedAt = monotonic()
  }

  /** Somebody proved to have it: with a login, or by going on in a session that began with one. */
  note(credential: string, key: string, client: string): void {
    const name = nameOf(credential, key)
    const now = this.#monotonic()
    this.#uses.set(name, { at: now, client })
    if (now - (this.#written.get(name) ?? Number.NEGATIVE_INFINITY) < grainMs) return
    this.#written.set(name, now)
    this.#file?.note(name, { at: this.#wall(), client })
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

  async close(): Promise<void> {
    for (const [name, { at, client }] of this.#uses) this.#file?.note(name, { at: this.#timeOf(at), client })
    await this.#file?.close()
  }

  #use(name: string): KeyUse | undefined {
    const use = this.#uses.get(name)
    if (use !== undefined) return { ...use, at: this.#timeOf(use.at) }
    const kept = this.#file?.get(name)
    // By a clock that was ahead: it was before this start, and no more is known.
    return kept && { ...kept, at: kept.at <= this.#wall() ? kept.at : this.#timeOf(this.#startedAt) }
  }

  /** By the wall clock as it is set now. */
  #timeOf(at: number): number {
    return Math.max(0, Math.round(this.#wall() - (this.#monotonic() - at)))
  }

  #forget(name: string): void {
    this.#uses.delete(name)
    this.#written.delete(name)
  }
}

const nameOf = (credential: string, key: string): string => `${credential} ${key}`
