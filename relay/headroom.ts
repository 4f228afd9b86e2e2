/**
 * Credentials that send many messages leave room for those that send few: beside an event loop that is always busy everybody
 * waits, however short the line. While a credential with few is about, the others may begin only so many messages and delivery
 * attempts that the loop has time to spare (case R15, decision 0050).
 */
import { performance } from 'node:perf_hooks'
import type { Owner, Rank } from './turns.ts'

/** The part of its time that the loop may be busy while a credential with few is about; what strangers ask for is not counted. */
export const busyShare = 0.65
/** Where strangers took a larger part than this of the last second or so, slowing credentials down would give no headroom. */
const strangersShare = 0.1
const strangersOverMs = 1_000
/** A credential that begins no more messages than this has few, and never waits. */
export const fewPerSecond = 50
/** No credential is held below this, however busy the loop is. */
export const leastPerSecond = 200
/** More than a relay can do, so no limit at all: the pace at which the others begin. */
const mostPerSecond = 10_000
/** For each message, two delivery attempts may begin: the queue has to leave faster than more comes. */
const attemptsPerMessage = 2
/** A credential with few is about for so long after its last message. */
export const aboutMs = 1_000
/** A credential may save up the messages of so long a time, and begin them at once later. */
const savedMs = 200
/** A credential with many has few again after it has begun nothing for so long. */
const pastMs = 1_000
/** A credential that has saved up so much time surely has few, whatever comes next. */
const surelyFewMs = 100
const tickMs = 2
/**
 * About as long as a message takes on a loop at rest: when one of a credential with few begins, no other begins for so long, so that
 * it finds the loop and the disk free. After that the others have as long again, however many have few.
 */
export const quietMs = 4
const lookEveryMs = 10
/** The part of the difference from `busyShare` that the pace makes good at each look. */
const gain = 0.3
/** With more owners than this, and again when they have doubled, those are forgotten for whom that changes nothing. */
const rememberedOwners = 1_000

type Parts = {
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number
  /** Milliseconds that the event loop has been busy. */
  readonly busyMs?: () => number
  /** Milliseconds of these that went to strangers (turns.ts): what they ask for is not to slow credentials down. */
  readonly strangersMs?: () => number
  /** Calls `tick` every `ms` milliseconds, until the function that it returns is called. */
  readonly every?: (tick: () => void, ms: number) => () => void
}

/** A message (or attempt) that waits; `isGone`: it will not begin any more. */
type Waiting = { readonly begin: () => void; readonly isGone: () => boolean }

/** What is known of one owner's messages (or attempts). */
type Begun = Owner & {
  /** How many may begin where one message may. */
  readonly perMessage: number
  /** When it may begin the next one: as an owner with few (`fewAt`), and at the pace of the others (`nextAt`). */
  fewAt: number
  nextAt: number
  readonly waiting: Waiting[]
}

type Look = { readonly at: number; readonly busyMs: number; readonly strangersMs: number }

export class Headroom {
  readonly #now: () => number
  readonly #look: () => Look
  readonly #every: NonNullable<Parts['every']>
  readonly #owners = new Set<Begun>()
  /** The same owners by rank and name; one map by both would need a new string, and its hash, for each message. */
  readonly #byName: Readonly<Record<Rank, Map<string, Begun>>> = {
    credential: new Map(),
    known: new Map(),
    stranger: new Map(),
    delivery: new Map(),
  }
  #mostOwners = rememberedOwners
  /**
   * The credential with few that came last, and the last one of another name: one of the two is always another than any given
   * one.
   */
  #lastFew = { name: '', at: Number.NEGATIVE_INFINITY }
  #otherFew = this.#lastFew
  #quietUntil = Number.NEGATIVE_INFINITY
  #perSecond = mostPerSecond
  #last: Look
  /** The strangers' part of the time, smoothed over `strangersOverMs`. */
  #strangers = 0
  #askedAt = 0
  #stop: (() => void) | undefined

  constructor({ now = () => performance.now(), busyMs = loopMs, strangersMs = () => 0, every = again }: Parts = {}) {
    this.#now = now
    this.#look = () => ({ at: now(), busyMs: busyMs(), strangersMs: strangersMs() })
    this.#last = this.#look()
    this.#every = every
  }

  /**
   * Resolves when this owner may begin a message or an attempt; undefined: at once. One that `isGone` meanwhile takes no place of
   * others, and is not kept: who connects, says MAIL and leaves, again and again, would fill the memory with what waits.
   */
  enter({ rank, name }: Owner, isGone = neverGone): Promise<void> | undefined {
    const now = this.#now()
    const owner = this.#ownerOf(rank, name, now)
    if (owner.fewAt <= now) {
      if (rank === 'credential' && now - owner.fewAt >= surelyFewMs) this.#hasFew(name, now)
    } else if (this.#fewBeside(name, now)) {
      this.#watch(now)
      if (owner.waiting.length > 0 || !this.#inPace(owner, now)) {
        return new Promise((begin) => owner.waiting.push({ begin, isGone }))
      }
    }
    begins(owner, now)
    return undefined
  }

  /** How many messages and attempts wait. */
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

  /** Forgets owners that have saved up all that can be saved: a new entry would be the same. */
  #forget(now: number): void {
    for (const owner of this.#owners) {
      if (owner.fewAt > now - savedMs || owner.nextAt > now || owner.waiting.length > 0) continue
      this.#owners.delete(owner)
      this.#byName[owner.rank].delete(owner.name)
    }
    this.#mostOwners = Math.max(rememberedOwners, 2 * this.#owners.size)
  }

  #hasFew(name: string, at: number): void {
    if (at >= this.#quietUntil + quietMs) this.#quietUntil = at + quietMs
    if (this.#lastFew.name !== name) this.#otherFew = this.#lastFew
    this.#lastFew = { name, at }
  }

  #fewBeside(name: string, now: number): boolean {
    const few = this.#lastFew.name === name ? this.#otherFew : this.#lastFew
    return now - few.at < aboutMs
  }

  #inPace(owner: Begun, now: number): boolean {
    if (owner.nextAt > now) return false
    // A loop with time to spare needs no quiet.
    if (this.#quietUntil > now && this.#perSecond < mostPerSecond) return false
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
      for (let first = owner.waiting[0]; first !== undefined; first = owner.waiting[0]) {
        if (!first.isGone()) {
          if (this.#fewBeside(owner.name, now) && !this.#inPace(owner, now)) break
          begins(owner, now)
        }
        owner.waiting.shift()
        first.begin()
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

const neverGone = (): boolean => false

const loopMs = (): number => performance.eventLoopUtilization().active

function again(tick: () => void, ms: number): () => void {
  const timer = setInterval(tick, ms).unref()
  return () => clearInterval(timer)
}
