/**
 * Who has many messages leaves room for who has few: beside a loop that is always busy everybody waits, however short the
 * line. While a credential with few is about, the others begin only as many as leave the loop time to spare (case R15).
 */
import { performance } from 'node:perf_hooks'
import type { Owner, Rank } from './turns.ts'

/** So much of the time the loop may be busy beside somebody with few, what strangers ask for not counted. */
export const busyShare = 0.65
/** Where strangers take more of it than this, of the last second or so, no headroom is to be had by slowing a credential down. */
const strangersShare = 0.1
const strangersOverMs = 1_000
/** Who begins no more messages than this has few, and never waits. */
export const fewPerSecond = 50
/** Nobody has to begin fewer, however busy the loop is. */
export const leastPerSecond = 200
/** More than a relay can do: the pace of the others, to begin with. */
const mostPerSecond = 10_000
/** For each message that is accepted two attempts may begin: what is ours must leave faster than more comes. */
const attemptsPerMessage = 2
/** So long after its last message a credential with few is about. */
export const aboutMs = 1_000
/** What was not begun in time may be begun later, so much of it. */
const savedMs = 200
/** Who had many and has begun nothing for so long has few. */
const pastMs = 1_000
/** Who has saved as much has few, whatever comes next. */
const surelyFewMs = 100
const tickMs = 4
const lookEveryMs = 10
/** How much of what is too much, or too little, the pace makes good at each look. */
const gain = 0.3
/** Above this number, and again when they are twice as many, owners are forgotten where that changes nothing for them. */
const rememberedOwners = 1_000

type Parts = {
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number
  /** Milliseconds that the event loop has been busy. */
  readonly busyMs?: () => number
  /** Milliseconds of them that went to clients of which nobody logged in lately: what they do slows no credential down. */
  readonly strangersMs?: () => number
  /** Calls back again and again until what it returns is called. */
  readonly every?: (tick: () => void, ms: number) => () => void
}

type Begun = Owner & {
  readonly perMessage: number
  /** When it may begin the next one: as one with few, and as one of the others. */
  fewAt: number
  nextAt: number
  readonly waiting: (() => void)[]
}

type Look = { readonly at: number; readonly busyMs: number; readonly strangersMs: number }

export class Headroom {
  readonly #now: () => number
  readonly #look: () => Look
  readonly #every: NonNullable<Parts['every']>
  readonly #owners = new Set<Begun>()
  /** The same: a name of both would be made, and looked at letter by letter, for each message. */
  readonly #byName: Readonly<Record<Rank, Map<string, Begun>>> = {
    credential: new Map(),
    known: new Map(),
    stranger: new Map(),
    delivery: new Map(),
  }
  #mostOwners = rememberedOwners
  /** The last credential with few, and the last other one. */
  #lastFew = { name: '', at: Number.NEGATIVE_INFINITY }
  #otherFew = this.#lastFew
  #perSecond = mostPerSecond
  #last: Look
  /** Their part of the time. */
  #strangers = 0
  #askedAt = 0
  #stop: (() => void) | undefined

  constructor({ now = () => performance.now(), busyMs = loopMs, strangersMs = () => 0, every = again }: Parts = {}) {
    this.#now = now
    this.#look = () => ({ at: now(), busyMs: busyMs(), strangersMs: strangersMs() })
    this.#last = this.#look()
    this.#every = every
  }

  /** A message or an attempt may begin when it resolves; undefined: at once. */
  enter({ rank, name }: Owner): Promise<void> | undefined {
    const now = this.#now()
    const owner = this.#ownerOf(rank, name, now)
    if (owner.fewAt <= now) {
      if (rank === 'credential' && now - owner.fewAt >= surelyFewMs) this.#hasFew(name, now)
    } else if (this.#fewBeside(name, now)) {
      this.#watch(now)
      if (owner.waiting.length > 0 || !this.#inPace(owner, now)) {
        return new Promise((resolve) => owner.waiting.push(resolve))
      }
    }
    begins(owner, now)
    return undefined
  }

  /** How much waits. */
  get waiting(): number {
    return [...this.#owners].reduce((sum, owner) => sum + owner.waiting.length, 0)
  }

  #ownerOf(rank: Rank, name: string, now: number): Begun {
    const known = this.#byName[rank].get(name)
    if (known) return known
    if (this.#owners.size >= this.#mostOwners) this.#forget(now)
    const perMessage = rank === 'delivery' ? attemptsPerMessage : 1
    const owner = { rank, name, perMessage, fewAt: now - savedMs, nextAt: now, waiting: [] }
    this.#owners.add(owner)
    this.#byName[rank].set(name, owner)
    return owner
  }

  /** Who has saved all that may be saved is as one that was never here. */
  #forget(now: number): void {
    for (const owner of this.#owners) {
      if (owner.fewAt > now - savedMs || owner.nextAt > now || owner.waiting.length > 0) continue
      this.#owners.delete(owner)
      this.#byName[owner.rank].delete(owner.name)
    }
    this.#mostOwners = Math.max(rememberedOwners, 2 * this.#owners.size)
  }

  #hasFew(name: string, at: number): void {
    if (this.#lastFew.name !== name) this.#otherFew = this.#lastFew
    this.#lastFew = { name, at }
  }

  #fewBeside(name: string, now: number): boolean {
    const few = this.#lastFew.name === name ? this.#otherFew : this.#lastFew
    return now - few.at < aboutMs
  }

  #inPace(owner: Begun, now: number): boolean {
    if (owner.nextAt > now) return false
    owner.nextAt = Math.max(owner.nextAt, now - 2 * tickMs) + 1000 / (this.#perSecond * owner.perMessage)
    return true
  }

  #watch(now: number): void {
    this.#askedAt = now
    if (this.#stop) return
    this.#perSecond = mostPerSecond
    this.#last = this.#look()
    this.#stop = this.#every(this.#tick, tickMs)
  }

  readonly #tick = (): void => {
    const now = this.#now()
    if (now - this.#last.at >= lookEveryMs) this.#setPace()
    let waits = false
    for (const owner of this.#owners) {
      const mayBegin = (): boolean => !this.#fewBeside(owner.name, now) || this.#inPace(owner, now)
      while (owner.waiting.length > 0 && mayBegin()) {
        begins(owner, now)
        owner.waiting.shift()?.()
      }
      waits ||= owner.waiting.length > 0
    }
    if (waits || now - this.#askedAt < aboutMs) return
    this.#stop?.()
    this.#stop = undefined
  }

  #setPace(): void {
    const last = this.#last
    this.#last = this.#look()
    const ms = this.#last.at - last.at
    const strangers = (this.#last.strangersMs - last.strangersMs) / ms
    this.#strangers += (strangers - this.#strangers) * Math.min(1, ms / strangersOverMs)
    const own = (this.#last.busyMs - last.busyMs) / ms - strangers
    const toSpare = this.#strangers > strangersShare ? 1 : Math.max(-1, (busyShare - own) / busyShare)
    this.#perSecond = Math.min(mostPerSecond, Math.max(leastPerSecond, this.#perSecond * (1 + gain * toSpare)))
  }
}

function begins(owner: Begun, now: number): void {
  owner.fewAt = Math.min(now + pastMs, Math.max(owner.fewAt, now - savedMs) + 1000 / fewPerSecond)
}

const loopMs = (): number => performance.eventLoopUtilization().active

function again(tick: () => void, ms: number): () => void {
  const timer = setInterval(tick, ms).unref()
  return () => clearInterval(timer)
}
