/** Looks at what is not watched: each fleet in its turn, and never much at once. */
import { rest } from '../api/rest.ts'

export type Turns = {
  /** How often each is looked at, while there are few. */
  readonly everyMs: number
  /** How many looks in a second, for all of them together. */
  readonly perSecond: number
}

export const ordinaryTurns: Turns = { everyMs: 30_000, perSecond: 2 }

/** Whose turn it is: the one that has waited longest, and at least for `everyMs`. Pure but for its memory. */
export class TurnOrder<One extends object> {
  readonly #everyMs: number
  /** When each had its turn last; one that is new counts as if it had just had it. */
  readonly #last = new WeakMap<One, number>()

  constructor(everyMs: number) {
    this.#everyMs = everyMs
  }

  next(all: readonly One[], now: number): One | undefined {
    for (const one of all) if (!this.#last.has(one)) this.#last.set(one, now)
    const first = all.toSorted((a, b) => this.#lastOf(a) - this.#lastOf(b))[0]
    if (first === undefined || this.#lastOf(first) + this.#everyMs > now) return undefined
    this.#last.set(first, now)
    return first
  }

  #lastOf(one: One): number {
    return this.#last.get(one) ?? Number.NEGATIVE_INFINITY
  }
}

/**
 * Until the signal ends. `begin` names what to look at in the turn of one; `look` is not awaited, so that one that hangs
 * delays no other.
 */
export async function takeTurns<One extends object>(
  all: () => readonly One[],
  begin: (one: One) => readonly string[],
  look: (one: One, what: string) => void,
  { everyMs, perSecond }: Turns,
  signal: AbortSignal,
): Promise<void> {
  const order = new TurnOrder<One>(everyMs)
  let looks: (() => void)[] = []
  while (!signal.aborted) {
    if (looks.length === 0) {
      const one = order.next(all(), performance.now())
      looks = one === undefined ? [] : begin(one).map((what) => () => look(one, what))
    }
    looks.shift()?.()
    await rest(1000 / perSecond, signal)
  }
}
