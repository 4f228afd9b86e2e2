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

/** On the monotonic clock, and when the file was told last. */
type Use = { at: number; client: string; writtenAt: number }

export class KeyUses {
  readonly #file: KeyUsesFile | undefined
  readonly #wall: () => number
  readonly #monotonic: () => number
  readonly #startedAt: number
  /** By credential, and by key; what the file knows from before is not here until it is used again. */
  readonly #uses = new Map<string, Map<string, Use>>()

  constructor({ file, wall = Date.now, monotonic = () => performance.now() }: Parts) {
    this.#file = file
    this.#wall = wall
    this.#monotonic = monotonic
    this.#startedAt = monotonic()
  }

  /** Somebody proved to have it: with a login, or by going on in a session that began with one. */
  note(credential: string, key: string, client: string): void {
    const now = this.#monotonic()
    const use = this.#uses.get(credential)?.get(key) ?? this.#begin(credential, key)
    use.at = now
    use.client = client
    if (now - use.writtenAt < grainMs) return
    use.writtenAt = now
    this.#file?.note(nameOf(credential, key), { at: this.#wall(), client })
  }

  /** Of the keys in this configuration; the others are forgotten. */
  usage({ credentials }: RelayConfig): readonly KeyUsage[] {
    const names = new Set(credentials.flatMap(({ name, keys }) => keys.map(({ id }) => nameOf(name, id))))
    for (const [credential, uses] of this.#uses) {
      for (const key of uses.keys()) if (!names.has(nameOf(credential, key))) uses.delete(key)
      if (uses.size === 0) this.#uses.delete(credential)
    }
    this.#file?.keepOnly(names)
    return credentials.flatMap(({ name, keys }) =>
      keys.flatMap(({ id }): readonly KeyUsage[] => {
        const use = this.#use(name, id)
        return use === undefined ? [] : [{ name, key: id, at: new Date(use.at).toISOString(), client: use.client }]
      }),
    )
  }

  async close(): Promise<void> {
    for (const [credential, uses] of this.#uses) {
      for (const [key, { at, client }] of uses)
        this.#file?.note(nameOf(credential, key), { at: this.#timeOf(at), client })
    }
    await this.#file?.close()
  }

  #begin(credential: string, key: string): Use {
    const use: Use = { at: 0, client: '', writtenAt: Number.NEGATIVE_INFINITY }
    const ofCredential = this.#uses.get(credential) ?? new Map<string, Use>()
    this.#uses.set(credential, ofCredential.set(key, use))
    return use
  }

  #use(credential: string, key: string): KeyUse | undefined {
    const use = this.#uses.get(credential)?.get(key)
    if (use !== undefined) return { at: this.#timeOf(use.at), client: use.client }
    const kept = this.#file?.get(nameOf(credential, key))
    // By a clock that was ahead: it was before this start, and no more is known.
    return kept && { ...kept, at: kept.at <= this.#wall() ? kept.at : this.#timeOf(this.#startedAt) }
  }

  /** By the wall clock as it is set now. */
  #timeOf(at: number): number {
    return Math.max(0, Math.round(this.#wall() - (this.#monotonic() - at)))
  }
}

const nameOf = (credential: string, key: string): string => `${credential} ${key}`
