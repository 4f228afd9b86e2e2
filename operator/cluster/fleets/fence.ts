/**
 * Keeps an operator that lags from writing over the work of one that had heard more. It does so once for each such writer:
 * where even a fresh list is older than what the writer had heard, etcd was restored from a backup, and the list is how
 * things stand.
 */
import type { World } from '../watch/world.ts'

export class Fence {
  readonly #world: Pick<World, 'refresh'>
  /** The newest round now. What is compiled in a later round has seen every list that was asked for by now. */
  readonly #round: () => number
  /** What a writer had heard, and the newest round when everything had been listed anew because of it. */
  #fresh: { readonly written: string; readonly round: number } | undefined

  constructor(world: Pick<World, 'refresh'>, round: () => number) {
    this.#world = world
    this.#round = round
  }

  /**
   * Whether to write what was compiled in `round`. `ahead`: what the writer of the Secrets had heard, where that is more than
   * was heard in `round`.
   */
  async passes(ahead: string | undefined, round: number): Promise<boolean> {
    if (ahead === undefined) return true
    if (this.#fresh?.written === ahead) return round > this.#fresh.round
    await this.#world.refresh()
    this.#fresh = { written: ahead, round: this.#round() }
    return false
  }
}
