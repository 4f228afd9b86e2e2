/** When each key was last used, and from where: before an old key is retired, one can see which clients still need it. */
import type { RelayConfig } from '../config.ts'
import type { KeyUsage } from '../http.ts'
import type { KeyUse, KeyUsesFile } from './key-uses-file.ts'

type Parts = {
  /** Without it, uses are forgotten when the relay is started again. */
  readonly file?: KeyUsesFile
  /** The wall clock, in milliseconds since the epoch. */
  readonly wall?: () => number
  /** Milliseconds on a clock that does not jump when the wall clock is set, so that the age of a use stays right. */
  readonly monotonic?: () => number
}

/**
 * A key in steady use is written to the file once in this time at most, since the operator tells uses to the minute at best.
 * The first use after a longer pause is written at once.
 */
const grainMs = 60_000

/** `at` is the last use and `writtenAt` the last note in the file, both on the monotonic clock. */
type Use = { at: number; client: string; writtenAt: number }

export class KeyUses {
  readonly #file: KeyUsesFile | undefined
  readonly #wall: () => number
  readonly #monotonic: () => number
  readonly #startedAt: number
  /** By credential, then by key. A use that only the file knows, from before the start, is not in here. */
  readonly #uses = new Map<string, Map<string, Use>>()

  constructor({ file, wall = Date.now, monotonic = () => performance.now() }: Parts) {
    this.#file = file
    this.#wall = wall
    this.#monotonic = monotonic
    this.#startedAt = monotonic()
  }

  /** A client has proved to have the key: by a login, or by a further message in a session that began with one. */
  note(credential: string, key: string, client: string): void {
    const now = this.#monotonic()
    const use = this.#uses.get(credential)?.get(key) ?? this.#begin(credential, key)
    use.at = now
    use.client = client
    if (now - use.writtenAt < grainMs) return
    use.writtenAt = now
    this.#file?.note(nameOf(credential, key), { at: this.#wall(), client })
  }

  /** The last uses of the keys in this configuration. Uses of all other keys are forgotten, in the file too. */
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
    // A time in the future was noted while the clock was ahead. All we know then is that the use was before this start.
    return kept && { ...kept, at: kept.at <= this.#wall() ? kept.at : this.#timeOf(this.#startedAt) }
  }

  /** A moment of the monotonic clock in milliseconds since the epoch, by the wall clock as it is set now. */
  #timeOf(at: number): number {
    return Math.max(0, Math.round(this.#wall() - (this.#monotonic() - at)))
  }
}

const nameOf = (credential: string, key: string): string => `${credential} ${key}`
