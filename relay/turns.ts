/**
 * Who is dealt with next where more came than there is time for: every credential has its turn, and so has every client
 * that has not logged in, however much the others sent; and so has what was accepted and is to be sent.
 */

/** The lines in which work waits; each has as much of the time as the others. */
const ranks = [
  'credential', // logged in: by credential
  'known', //      not yet, where somebody lately did: by address, or by the /64 of an IPv6 one
  'stranger', //   likewise
  'delivery', //   an attempt: by the credential whose message it is
] as const
export type Rank = (typeof ranks)[number]

export type Owner = { readonly rank: Rank; readonly name: string }
type Work = { readonly work: () => void; readonly laterMs: number }

/**
 * Of one round of the event loop; then whoever has come meanwhile is seen. A message is half a dozen rounds, so they are short
 * for as long as there is somebody to wait for them; and long for one who has the relay to itself, because a round has its price.
 */
export const roundMs = { shared: 0.125, alone: 2 } as const
/** How long another credential may still come back. */
const sharedForMs = 10_000

type Parts = {
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number
  /** Calls back when what has come meanwhile was seen. */
  readonly soon?: (round: () => void) => void
}

export class Turns {
  readonly #lines: Readonly<Record<Rank, Line>> = {
    credential: new Line(),
    known: new Line(),
    stranger: new Line(),
    delivery: new Line(),
  }
  readonly #now: () => number
  readonly #soon: (round: () => void) => void
  /** What had been spent on the line that was served last. */
  #reachedMs = 0
  #waiting = 0
  /** In this round. */
  #spentMs = 0
  #isShared = false
  /** The credential that has asked for a turn last. */
  #last: string | undefined
  /** When it was another one than before. */
  #sharedAt = Number.NEGATIVE_INFINITY
  #roundIsAhead = false

  constructor({ now = () => performance.now(), soon = setImmediate }: Parts = {}) {
    this.#now = now
    this.#soon = soon
  }

  /** Milliseconds that clients have taken of which nobody logged in lately. */
  get strangersMs(): number {
    return this.#lines.stranger.usedMs
  }

  /**
   * Does it at once while there is time and nobody waits, else in its owner's turn. `laterMs` is what it will take after it
   * has returned. It must not throw.
   */
  take(owner: Owner, work: () => void, laterMs = 0): void {
    if (owner.rank === 'credential' && owner.name !== this.#last) this.#share(owner.name)
    const line = this.#lines[owner.rank]
    // What was not used in time is nobody's savings.
    if (!line.waits) line.spentMs = Math.max(line.spentMs, this.#reachedMs)
    if (this.#waiting === 0 && this.#spentMs < this.#roundMs()) {
      this.#do(line, work, laterMs)
    } else {
      line.add(owner.name, { work, laterMs })
      this.#waiting += 1
    }
    if (!this.#roundIsAhead) {
      this.#roundIsAhead = true
      this.#soon(this.#round)
    }
  }

  /** Resolves when it is its owner's turn; undefined: at once, for who is alone. `costMs` is about what will then be done. */
  turn(owner: Owner, costMs: number): Promise<void> | undefined {
    return this.#isShared ? new Promise((resolve) => this.take(owner, resolve, costMs)) : undefined
  }

  readonly #round = (): void => {
    this.#spentMs = 0
    if (this.#now() - this.#sharedAt >= sharedForMs) this.#isShared = false
    while (this.#waiting > 0 && this.#spentMs < this.#roundMs()) {
      this.#doNext()
    }
    this.#roundIsAhead = this.#waiting > 0
    if (this.#roundIsAhead) this.#soon(this.#round)
    else this.#spentMs = 0
  }

  #roundMs(): number {
    return this.#isShared ? roundMs.shared : roundMs.alone
  }

  /** An address may be that of a client of the same credential. */
  #share(name: string): void {
    if (this.#last !== undefined) {
      this.#sharedAt = this.#now()
      this.#isShared = true
    }
    this.#last = name
  }

  #do(line: Line, work: () => void, laterMs: number): void {
    const begun = this.#now()
    work()
    const tookMs = this.#now() - begun + laterMs
    this.#spentMs += tookMs
    line.spentMs += tookMs
    line.usedMs += tookMs
    this.#reachedMs = line.spentMs
  }

  #doNext(): void {
    const line = this.#leastSpent()
    const next = line?.next()
    if (line === undefined || next === undefined) return
    this.#waiting -= 1
    this.#do(line, next.work, next.laterMs)
  }

  /** Of the lines in which somebody waits, the one on which least was spent. */
  #leastSpent(): Line | undefined {
    let least: Line | undefined
    for (const line of Object.values(this.#lines)) {
      if (line.waits && (least === undefined || line.spentMs < least.spentMs)) least = line
    }
    return least
  }
}

/** Whose work waits, and what. */
type Waiting = { readonly name: string; readonly works: Work[] }

/** So many owners without work are remembered: an owner comes back at once, and a table that changes all the time is rubbish all the time. */
const rememberedOwners = 1_000

/** What waits by owner; an owner whose work was taken goes behind the others. */
class Line {
  /** What decides whose turn it is: what was not used in time counts as spent. */
  spentMs = 0
  usedMs = 0
  readonly #rota: Waiting[] = []
  readonly #owners = new Map<string, Waiting>()

  get waits(): boolean {
    return this.#rota.length > 0
  }

  add(name: string, work: Work): void {
    const owner = this.#owners.get(name) ?? this.#enter(name)
    owner.works.push(work)
    if (owner.works.length === 1) this.#rota.push(owner)
  }

  next(): Work | undefined {
    const owner = this.#rota.shift()
    if (owner === undefined) return undefined
    const work = owner.works.shift()
    if (owner.works.length > 0) this.#rota.push(owner)
    else if (this.#owners.size > rememberedOwners) this.#owners.delete(owner.name)
    return work
  }

  #enter(name: string): Waiting {
    const owner: Waiting = { name, works: [] }
    this.#owners.set(name, owner)
    return owner
  }
}
