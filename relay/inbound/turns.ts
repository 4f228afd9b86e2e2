/**
 * Who is dealt with next where more came than there is time for: every credential has its turn, and so has every client
 * that has not logged in, however much the others sent.
 */

/** The lines in which work waits; each of them has its turn, too. */
export const ranks = [
  'credential', // logged in: by credential
  'known', //      not yet, at an address that lately did: by address
  'stranger', //   by address
] as const
export type Rank = (typeof ranks)[number]

export type Owner = { readonly rank: Rank; readonly name: string }
type Work = { readonly work: () => void; readonly laterMs: number }

/** Of one round of the event loop; then whoever has come meanwhile is seen. */
const roundMs = 2

type Parts = {
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number
  /** Calls back when what has come meanwhile was seen. */
  readonly soon?: (round: () => void) => void
}

export class Turns {
  readonly #lines: Readonly<Record<Rank, Line>> = { credential: new Line(), known: new Line(), stranger: new Line() }
  readonly #now: () => number
  readonly #soon: (round: () => void) => void
  /** The place in `ranks` that is served next. */
  #next = 0
  #waiting = 0
  /** In this round. */
  #spentMs = 0
  #roundIsAhead = false

  constructor({ now = () => performance.now(), soon = setImmediate }: Parts = {}) {
    this.#now = now
    this.#soon = soon
  }

  /** How much waits. */
  get waiting(): number {
    return this.#waiting
  }

  /**
   * Does it at once while there is time and nobody waits, else in its owner's turn. `laterMs` is what it will take after it
   * has returned. It must not throw.
   */
  take(owner: Owner, work: () => void, laterMs = 0): void {
    if (this.#waiting === 0 && this.#spentMs < roundMs) {
      this.#do({ work, laterMs })
    } else {
      this.#lines[owner.rank].add(owner.name, { work, laterMs })
      this.#waiting += 1
    }
    if (!this.#roundIsAhead) {
      this.#roundIsAhead = true
      this.#soon(this.#round)
    }
  }

  readonly #round = (): void => {
    this.#spentMs = 0
    while (this.#waiting > 0 && this.#spentMs < roundMs) {
      this.#waiting -= 1
      this.#do(this.#ofNextRank())
    }
    this.#roundIsAhead = this.#waiting > 0
    if (this.#roundIsAhead) this.#soon(this.#round)
    else this.#spentMs = 0
  }

  #do({ work, laterMs }: Work): void {
    const begun = this.#now()
    work()
    this.#spentMs += this.#now() - begun + laterMs
  }

  #ofNextRank(): Work {
    for (;;) {
      const rank = ranks[this.#next] ?? 'stranger'
      this.#next = (this.#next + 1) % ranks.length
      const work = this.#lines[rank].next()
      if (work) return work
    }
  }
}

/** What waits by owner; an owner whose work was taken goes behind the others. */
class Line {
  readonly #owners = new Map<string, Work[]>()

  add(owner: string, work: Work): void {
    const waiting = this.#owners.get(owner)
    if (waiting) waiting.push(work)
    else this.#owners.set(owner, [work])
  }

  next(): Work | undefined {
    for (const [owner, waiting] of this.#owners) {
      const work = waiting.shift()
      this.#owners.delete(owner)
      if (waiting.length > 0) this.#owners.set(owner, waiting)
      return work
    }
    return undefined
  }
}
