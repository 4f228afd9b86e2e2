/**
 * One way out at work, a route or one domain of it: what waits for it, and the pools of its smarthosts or exchangers in the
 * order of their priority. Only a window of what waits is in memory; the rest is parked, a number for each message, and is
 * read as the window moves on.
 */
import type { RouteConfig } from '../config.ts'
import { withoutAddresses } from '../mail/evidence.ts'
import type { Outcome } from '../mail/outcome.ts'
import { reply } from '../mail/reply.ts'
import { longestTimerMs } from '../timer.ts'
import { choose, isHurried, type Ranked } from './choose.ts'
import { carriesNothing } from './health.ts'
import type { Hop } from './hop.ts'
import type { Handles } from './intake.ts'
import { Overdue } from './overdue.ts'
import { type Marks, Parked } from './parked.ts'
import type { Pool } from './pool.ts'
import { ReadyQueue } from './ready-queue.ts'
import type { Room } from './room.ts'
import { type Parcel, parcelsOf } from './tracked.ts'

export type Next = {
  readonly parcel: Parcel
  readonly pool: Pool
  /** Whether another next hop would take it, at that time (choose.ts). */
  readonly isHurried: (now: number) => boolean
}
/** `down`: what waits can go nowhere. */
export type Wait = { readonly down: boolean; readonly until?: number }

export type LaneParts = {
  readonly route: RouteConfig
  readonly room: Room<Lane>
  /** Absent: the lane is for the whole route. */
  readonly domain?: string
  /** The credential for whose mail it was opened; absent: no single one's. */
  readonly owner?: string
  /** Recipients in memory, before what arrives is parked; 0: everything is parked. */
  readonly mostRecipients: number
  /** Messages that it reads ahead. */
  readonly window: () => number
  /** Whose message is read though the window is full; absent: whoever has nothing there. */
  readonly joins?: (credential: string) => boolean
  /** Which of equal next hops takes the first transaction; then they take turns. */
  readonly turn?: number
  readonly marks?: Marks
}

const readAtOnce = 16
const leftOut = reply(451, '4.1', 'every next hop is left out for a while')

export class Lane {
  readonly route: RouteConfig
  readonly room: Room<Lane>
  readonly domain: string | undefined
  readonly owner: string
  readonly #parts: LaneParts
  #ranked: readonly Ranked<Pool>[] = []
  readonly #ready = new ReadyQueue<Parcel>()
  #parked: Parked
  /** Recipients in `#ready`. */
  #recipients = 0
  /** Parked ones that are being read. */
  coming = 0
  readonly overdue = new Overdue()
  /** Attempts and settlements that have not ended. */
  underWay = 0
  /** Started since others of the route had their turn: connections that are open are used on, but not for ever. */
  streak = 0
  /** The outcome of everything that waits, where DNS names no next hop. */
  closed: Outcome | undefined
  /** When DNS is to be asked about the domain. */
  askAt = 0
  /** Failed at one smarthost, and to be tried at another at once: before all others, but those do not wait for it. */
  #again: Parcel[] = []
  readonly #joins: (credential: string) => boolean
  #turn: number
  #wake: NodeJS.Timeout | undefined
  #wakesAt: number | undefined

  constructor(parts: LaneParts) {
    this.#parts = parts
    this.route = parts.route
    this.room = parts.room
    this.domain = parts.domain
    this.owner = parts.owner ?? ''
    // New mail goes past what is parked, and may fill the window without end: a credential with nothing there is let in even then.
    this.#joins = parts.joins ?? ((credential) => this.#ready.letsIn(credential, parts.mostRecipients))
    this.#turn = parts.turn ?? 0
    this.#parked = new Parked(parts.marks)
  }

  /** In the order of their priority. */
  get pools(): readonly Pool[] {
    return this.#ranked.map(({ pool }) => pool)
  }

  /** Its mail goes there from now on. */
  lead(ranked: readonly Ranked<Pool>[]): void {
    this.#ranked = ranked.toSorted((a, b) => a.priority - b.priority)
  }

  /** It is known where its mail goes, or that it can go nowhere. */
  get isLed(): boolean {
    return this.#ranked.length > 0 || this.closed !== undefined
  }

  /** Whether these recipients go here. */
  takes({ route, domain }: Hop): boolean {
    return route === this.route && (this.domain === undefined || this.domain === domain)
  }

  get waiting(): number {
    return this.#ready.size + this.#again.length + this.#parked.size + this.coming + this.overdue.size
  }

  /** Whose message is the next one. */
  get nextCredential(): string | undefined {
    return this.#again[0]?.message.envelope.credential ?? this.#ready.nextCredential
  }

  /** Whether anything of this credential waits, as far as it is not being read. */
  holds(credential: string): boolean {
    return this.#ready.has(credential) || this.#parked.has(credential)
  }

  /** Whether more of this credential may wait in memory. What it has parked comes first. */
  hasRoom(credential: string): boolean {
    return this.#recipients < this.#parts.mostRecipients && !this.#parked.has(credential)
  }

  add(parcel: Parcel): void {
    this.#recipients += parcel.recipients.length
    this.#ready.push(parcel.message.envelope.credential, parcel)
  }

  park(credential: string, handle: number): void {
    this.#parked.push(credential, handle)
  }

  /** The parked message that is to be read next, if the window has room for it; `coming` counts it. */
  unpark(): number | undefined {
    if (this.#parked.size === 0 || this.coming >= readAtOnce) return undefined
    const hasRoom = this.#ready.size + this.coming < this.#parts.window()
    const handle = hasRoom ? this.#parked.shift() : this.#parked.shiftOf(this.#joins)
    if (handle !== undefined) this.coming += 1
    return handle
  }

  /** Whether what waits may be over its time before its turn comes. */
  carriesNothing(now: number): boolean {
    return this.#ranked.every(({ pool }) => carriesNothing(pool.health, now))
  }

  /** Parcels that are over their time. */
  takeOverdue(isOver: (acceptedAt: number) => boolean): readonly Parcel[] {
    const parcels = this.#ready.take(({ message }) => isOver(message.envelope.acceptedAt))
    for (const { recipients } of parcels) this.#recipients -= recipients.length
    return parcels
  }

  /** Of what is parked, what is over its time. */
  findOverdue(isOver: (acceptedAt: number) => boolean, acceptedAt: (handle: number) => number | undefined): void {
    const isParkedTooLong = (handle: number): boolean => {
      const at = acceptedAt(handle)
      return at !== undefined && isOver(at)
    }
    for (const handle of this.#parked.take(isParkedTooLong)) this.overdue.add(handle)
  }

  /** True where another smarthost takes it, now or when it is free. For that no more wait than can be in flight: never a flood. */
  addAgain(parcel: Parcel, now: number): boolean {
    if (this.#again.length >= this.#mostInFlight() || this.#choose(parcel, now).kind === 'down') return false
    this.#again.push(parcel)
    return true
  }

  /** The next parcel and its smarthost; else when to look again, where time alone may change it. */
  next(now: number): Next | Wait {
    if (this.room.inUse(this.domain) >= this.#atOnce()) return { down: false }
    const first = this.#nextAgain(now)
    if ('pool' in first || this.#ready.size === 0) return first
    const choice = choose(this.#ranked, undefined, now, this.#turn++)
    if (choice.kind !== 'use') return { down: choice.kind === 'down', ...earlier(first, choice) }
    const parcel = this.#ready.shift()
    if (parcel === undefined) return first
    this.#recipients -= parcel.recipients.length
    return this.#nextOf(parcel, choice.candidate)
  }

  #nextOf(parcel: Parcel, pool: Pool): Next {
    return { parcel, pool, isHurried: (now) => isHurried(this.#ranked, parcel.tried, pool, now) }
  }

  /** Connections that may be in use at one time, over all pools, and with those of this domain's lane before a reload. */
  #atOnce(): number {
    return this.route.exchangers?.maxConnectionsPerDomain ?? Number.POSITIVE_INFINITY
  }

  #mostInFlight(): number {
    let most = 0
    for (const { pool } of this.#ranked) most += Math.min(pool.maxConnections, this.#atOnce())
    return most
  }

  #nextAgain(now: number): Next | Wait {
    let wait: Wait = { down: false }
    if (this.#again.length === 0) return wait
    for (const parcel of [...this.#again]) {
      const choice = this.#choose(parcel, now)
      if (choice.kind === 'busy') {
        wait = { down: false, ...earlier(wait, choice) }
        continue
      }
      this.#again = this.#again.filter((other) => other !== parcel)
      if (choice.kind === 'use') return this.#nextOf(parcel, choice.candidate)
      for (const part of parcelsOf(parcel)) this.add(part)
    }
    return wait
  }

  /**
   * The outcome of what is not attempted because no next hop works: in our own words, since none said it of this message. The last
   * failure, which was of somebody else's mail, is told without its addresses.
   */
  get deferral(): Outcome {
    const failed = this.#ranked.find(({ pool }) => pool.health.lastFailure !== undefined)
    const last = failed?.pool.health.lastFailure?.reply
    const text = `${leftOut.text}${last === undefined ? '' : `, since other mail failed there: ${withoutAddresses(last.text)}`}`
    const { code, status } = last ?? leftOut
    return this.closed ?? { kind: 'deferred', scope: 'nextHop', reply: { code, status, text } }
  }

  /**
   * What one smarthost does not offer another one may: it is a refusal only when none of them can take the message. Exchangers
   * all belong to the domain: the best one speaks for those behind it.
   */
  lastWord(outcome: Outcome, { pool, parcel }: Next): Outcome {
    if (outcome.kind !== 'bounced' || outcome.unasked === undefined) return outcome
    const own = this.#ranked.find((r) => r.pool === pool)?.priority ?? Number.POSITIVE_INFINITY
    const others = this.#ranked.filter((r) => (pool.isExchanger ? r.priority < own : r.pool !== pool))
    if (others.every((r) => parcel.tried?.get(r.pool.name) === 'unable')) return outcome
    const { status, text } = outcome.reply
    return { kind: 'deferred', scope: 'here', reply: reply(451, status.slice(2), text) }
  }

  /** Rings once, by the earliest time asked for; true when nothing was set before. */
  wakeAt(at: number, now: number, ring: () => void): boolean {
    const before = this.#wakesAt
    if (before !== undefined && before <= at) return false
    clearTimeout(this.#wake)
    this.#wakesAt = at
    this.#wake = setTimeout(
      () => {
        this.#wakesAt = undefined
        ring()
      },
      Math.min(Math.max(1, at - now), longestTimerMs),
    ).unref()
    return before === undefined
  }

  /** Every parcel that waits in memory. */
  empty(): readonly Parcel[] {
    clearTimeout(this.#wake)
    this.#wakesAt = undefined
    this.#recipients = 0
    return [...this.#again.splice(0), ...this.#ready.take(() => true)]
  }

  /** Every parked message; the lane is used no more. */
  leaveParked(): readonly Handles[] {
    const parked = this.#parked
    this.#parked = new Parked(this.#parts.marks)
    return [parked, this.overdue.leave()]
  }

  /** What another lane, which is used no more, has parked. */
  adoptParked(from: Lane): void {
    this.#parked = from.#parked
    from.#parked = new Parked(from.#parts.marks)
  }

  #choose(parcel: Parcel, now: number) {
    return choose(this.#ranked, parcel.tried, now, this.#turn)
  }
}

function earlier(a: { readonly until?: number }, b: { readonly until?: number }): { until?: number } {
  if (a.until === undefined) return b.until === undefined ? {} : { until: b.until }
  return { until: Math.min(a.until, b.until ?? a.until) }
}
