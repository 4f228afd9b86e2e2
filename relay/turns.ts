/**
 * Who is dealt with next where more has come than there is time for: each credential has its turn, however much the others sent;
 * and so have each client that has not logged in, and the delivery of what was accepted (decision 0037).
 */

/** The lines in which work waits: each of them gets as much time as the others, and within it each owner has its turn. */
const ranks = [
  'credential', // sessions that have logged in; the owner is the credential
  'known', //      sessions before their login, from where somebody logged in lately; the owner is the client's address or IPv6 /64
  'stranger', //   sessions before their login, from anywhere else; the owner likewise
  'delivery', //   delivery attempts; the owner is the credential whose message it is
] as const
export type Rank = (typeof ranks)[number]

export type Owner = { readonly rank: Rank; readonly name: string }
/** `laterMs`: what the work will cost after it has returned. */
type Work = { readonly work: () => void; readonly laterMs: number }

/**
 * The time for work in one round of the event loop; after it, what has come meanwhile is read. A message takes half a dozen
 * rounds, so they are short while several credentials share the relay; a credential that has it to itself gets long ones, since
 * each round costs.
 */
export const roundMs = { shared: 0.125, alone: 2 } as const
/** Rounds stay short for so long after another credential asked for a turn. */
const sharedForMs = 10_000

/** No work takes longer: beyond this the process was stopped, or had no processor, and its line is not to make up for that. */
const longestMs = 250

type Parts = {
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number
  /** Calls back in the next round of the event loop. */
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
  /** `spentMs` of the line that was served last. */
  #reachedMs = 0
  #waiting = 0
  /** Spent in this round. */
  #spentMs = 0
  #isShared = false
  /** The credential that has asked for a turn last. */
  #last: string | undefined
  /** When a credential last asked that was another one than before. */
  #sharedAt = Number.NEGATIVE_INFINITY
  #roundIsAhead = false

  constructor({ now = () => performance.now(), soon = setImmediate }: Parts = {}) {
    this.#now = now
    this.#soon = soon
  }

  /** Milliseconds that the work of strangers has taken in all. */
  get strangersMs(): number {
    return this.#lines.stranger.usedMs
  }

  /**
   * Calls `work` at once while there is time in this round and nobody waits, else when it is its owner's turn. `laterMs` is what
   * it will cost after it has returned. It must not throw.
   */
  take(owner: Owner, work: () => void, laterMs = 0): void {
    if (owner.rank === 'credential' && owner.name !== this.#last) this.#share(owner.name)
    const line = this.#lines[owner.rank]
    // A line in which nobody waited may not save up its unused time: it begins level with the line that was served last.
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

  /**
   * Resolves when it is the owner's turn; undefined: at once, as one credential has the relay to itself. `costMs`: what follows
   * costs.
   */
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

  /**
   * Notes which credential asks. Only credentials tell that the relay is shared: an address may be of the same credential's
   * client.
   */
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
    const tookMs = Math.min(this.#now() - begun, longestMs) + laterMs
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

  /** The line on which least was spent, of those in which somebody waits. */
  #leastSpent(): Line | undefined {
    let least: Line | undefined
    for (const line of Object.values(this.#lines)) {
      if (line.waits && (least === undefined || line.spentMs < least.spentMs)) least = line
    }
    return least
  }
}

/** An owner, and its work that waits. */
type Waiting = { readonly name: string; readonly works: Work[] }

/**
 * So many owners stay in the table also without work: most come back at once, and a table that changes all the time makes
 * garbage.
 */
const rememberedOwners = 1_000

/** Work that waits, by owner: each owner gives one work at a time, and then goes behind the others. */
class Line {
  /** Decides which line is next; unlike `usedMs`, it also counts time that the line let pass while nobody waited in it. */
  spentMs = 0
  /** The time that the line's work has taken. */
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
