/**
 * Keeps an operator that lags behind from writing over one that had heard more. Only once for each such writer: if even a
 * fresh list knows nothing of what it had heard, the API server's past was restored from a backup, and is the present.
 */
import type { World } from '../watch/world.ts'

export class Fence {
  readonly #world: Pick<World, 'refresh'>
  /** The round that is the newest now: whatever is compiled in a later one has seen a list that was asked for now. */
  readonly #round: () => number
  /** By what its writer had heard, the round in which everything had been listed anew. */
  #fresh: { readonly written: string; readonly round: number } | undefined

  constructor(world: Pick<World, 'refresh'>, round: () => number) {
    this.#world = world
    this.#round = round
  }

  /** `ahead`: what the writer of what is there had heard, where it is more than was heard in `round`. */
  async passes(ahead: string | undefined, round: number): Promise<boolean> {
    if (ahead === undefined) return true
    if (this.#fresh?.written === ahead) return round > this.#fresh.round
    await this.#world.refresh()
    this.#fresh = { written: ahead, round: this.#round() }
    return false
  }
}
