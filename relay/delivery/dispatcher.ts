/** Brings what waits and what is free together: each way out for itself, so that a dead smarthost or domain delays no other. */
import type { LoadedConfig } from '../config.ts'
import type { Events } from '../events.ts'
import type { Headroom } from '../headroom.ts'
import type { SmarthostStatus } from '../http.ts'
import type { Outcome } from '../mail/outcome.ts'
import { reply } from '../mail/reply.ts'
import type { Spool } from '../spool/spool.ts'
import type { Turns } from '../turns.ts'
import { within } from '../within.ts'
import { type Attempted, attempt, unreadable } from './attempt.ts'
import type { Retry } from './decide.ts'
import type { Hop } from './hop.ts'
import { InFlight } from './in-flight.ts'
import type { KnownExchangers } from './known-exchangers.ts'
import type { Lane, Next, Wait } from './lane.ts'
import type { Ledger, Result } from './ledger.ts'
import { learn, placeOf, tell } from './news.ts'
import type { Surroundings } from './open.ts'
import type { OpenAttempts } from './open-attempts.ts'
import type { Pool, PoolLimits } from './pool.ts'
import { Pools } from './pools.ts'
import type { Roster, Take } from './roster.ts'
import type { Signer } from './signer.ts'
import { alsoTried, sortResults } from './sorting.ts'
import { dueIn, forwardPathsOf, type Parcel, parcelsOf, type Tracked } from './tracked.ts'
import { type Loose, Ways } from './ways.ts'

export type DispatcherParts = {
  readonly spool: Pick<Spool, 'content' | 'contentInMemory' | 'handleOf' | 'acceptedAt'>
  readonly roster: Pick<Roster, 'release'>
  readonly ledger: Ledger
  readonly openAttempts: OpenAttempts
  readonly signer: Signer
  readonly events: Events
  readonly turns: Pick<Turns, 'turn'>
  readonly headroom: Pick<Headroom, 'enter'>
  readonly around: Surroundings
  readonly poolLimits: PoolLimits
  readonly exchangers: Pick<KnownExchangers, 'find'>
  readonly exchangerPort: number
  /** Steady; expiry allows for that. */
  readonly now: () => number
  readonly random: () => number
  /** Whatever of it is due goes on; with a lane, only what goes there. */
  readonly look: (message: Tracked, lane?: Lane) => void
  /** To be looked at and routed anew. */
  readonly again: (parked: Loose['parked']) => void
  readonly take: Take
  /** What was told is with whoever reads the log. */
  readonly flushLog: () => void
}

/** About what the processor needs for one, in all. */
const attemptCostMs = 0.25
/** Messages of one domain, while others wait for a connection. */
const longestStreak = 20
/** A domain that has mail all the time is looked up anew after this time. */
const lookUpEveryMs = 60_000
/** Five days (RFC 5321 section 4.5.4.1): that no route is there is most likely a mistake, and the times of those that were may be long. */
export const noRouteRetry: Retry = { scheduleMs: [60_000, 300_000, 900_000, 3_600_000], expireAfterMs: 432_000_000 }
const noRoute: Outcome = {
  kind: 'deferred',
  scope: 'message',
  reply: reply(451, '3.5', 'no route of the policy takes this recipient'),
}

export class Dispatcher {
  readonly #parts: DispatcherParts
  readonly #pools: Pools
  readonly #ways: Ways
  #suspended = false
  #stopping = false
  #interrupted = false
  readonly #inFlight = new InFlight()

  constructor(parts: DispatcherParts) {
    this.#parts = parts
    this.#pools = new Pools(parts)
    this.#ways = new Ways(this.#pools, parts.random, (lane) => this.#goOn(lane))
  }

  get waiting(): number {
    return this.#ways.waiting
  }

  /** Queue ids. */
  get inFlight(): Iterable<string> {
    return this.#inFlight.messages
  }

  /** Health of every smarthost, for status pages. */
  smarthosts(timeOf: (at: number) => string): readonly SmarthostStatus[] {
    return this.#ways.smarthosts(this.#parts.now(), timeOf)
  }

  /** What waits is routed anew. */
  reload(loaded: LoadedConfig): void {
    this.#suspended = loaded.config.suspended
    const { parcels, parked } = this.#ways.reload(loaded)
    this.#parts.again(parked)
    for (const parcel of parcels) this.#addAgain(parcel)
    for (const lane of [...this.#ways.inForce()]) this.#pump(lane)
  }

  /** Takes it unread, where its credential alone tells its lane. */
  park(handle: number, credential: string): boolean {
    const lane = this.#ways.laneOfAll(credential)
    if (lane === undefined) return false
    lane.park(credential, handle)
    this.#pump(lane)
    return true
  }

  /** Recipients of one next hop share transactions. With a lane, only what goes there: the others are waited for elsewhere. */
  add({ message, recipients }: Parcel, from?: Lane): void {
    for (const hop of this.#ways.hopsOf(message, recipients)) {
      if (from !== undefined && !from.takes(hop)) continue
      const lane = this.#laneTo(hop, message, from)
      if (lane === undefined) continue
      const waitsOutside = this.#ways.isFront(lane) || (lane !== from && !lane.hasRoom(message.envelope.credential))
      if (waitsOutside) this.#park(lane, message)
      else this.#put(lane, { message, recipients: hop.recipients })
      this.#pump(lane)
    }
  }

  /** It had its turn in the window before. */
  #addAgain(parcel: Parcel): void {
    const { message, recipients } = parcel
    for (const hop of this.#ways.hopsOf(message, recipients)) {
      const lane = this.#laneTo(hop, message)
      if (lane === undefined) continue
      if (this.#ways.isFront(lane)) this.#putAside(lane, message, hop.recipients)
      else this.#put(lane, { ...parcel, recipients: hop.recipients })
      this.#pump(lane)
    }
  }

  /** Undefined where there is none: then they wait for another configuration. */
  #laneTo(hop: Hop, message: Tracked, from?: Lane): Lane | undefined {
    const lane = this.#ways.laneTo(hop, message.envelope.credential, from)
    if (lane === undefined) void this.#settleAside(message, hop.recipients, noRoute, noRouteRetry)
    return lane
  }

  #put(lane: Lane, parcel: Parcel): void {
    for (const recipient of parcel.recipients) parcel.message.busy.add(recipient)
    for (const part of parcelsOf(parcel)) lane.add(part)
  }

  /** Whoever looked at the message releases it. */
  #park(lane: Lane, { envelope }: Tracked): void {
    const handle = this.#parts.spool.handleOf(envelope.queueId)
    if (handle !== undefined) lane.park(envelope.credential, handle)
  }

  /** Out of the window again. */
  #putAside(lane: Lane, message: Tracked, recipients: readonly number[]): void {
    for (const recipient of recipients) message.busy.delete(recipient)
    this.#park(lane, message)
    this.#parts.roster.release(message)
  }

  /** Starts nothing more, waits for what is in flight, and closes its connections when the time is over. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true
    this.#pools.retire()
    await within(graceMs, this.#inFlight.none())
    this.#interrupted = true
    this.#pools.destroy()
    await this.#inFlight.none()
  }

  #pump(lane: Lane): void {
    this.#refill(lane)
    while (this.#mayStart(lane)) {
      const next = lane.next(this.#parts.now())
      if (!('pool' in next)) {
        this.#hold(lane, next)
        break
      }
      next.pool.inUse++
      lane.room.begin(lane, next.parcel.message.envelope.credential)
      lane.underWay++
      lane.streak++
      void this.#run(lane, next)
    }
    const front = this.#ways.endIfDone(lane)
    if (front !== undefined) this.#pump(front)
  }

  #mayStart(lane: Lane): boolean {
    if (this.#stopping || this.#suspended || lane.waiting === 0) return false
    if (lane.domain !== undefined && lane.askAt <= this.#parts.now()) void this.#lookUp(lane, lane.domain)
    if (!lane.isLed) return false
    const admitted = lane.room.admits(lane)
    // Its connections are others' now.
    if (!admitted && lane.domain !== undefined) for (const pool of lane.pools) pool.closeIdle()
    return admitted
  }

  async #lookUp(lane: Lane, domain: string): Promise<void> {
    // Until the answer is there nobody asks again.
    lane.askAt = Number.POSITIVE_INFINITY
    const found = await this.#parts.exchangers.find(domain, lane.owner)
    lane.askAt = this.#parts.now() + lookUpEveryMs
    if (!this.#ways.isInForce(lane)) return
    this.#ways.lead(lane, found)
    this.#pump(lane)
  }

  /** Nothing can start now. Other domains have no need to wait for one that is down: what there is for it has had its attempt. */
  #hold(lane: Lane, { until, down }: Wait): void {
    if (lane.domain !== undefined && down) void this.#giveBack(lane, lane.deferral)
    else if (until !== undefined) this.#sleep(lane, until)
  }

  async #giveBack(lane: Lane, outcome: Outcome): Promise<void> {
    lane.underWay++
    lane.room.unsettled++
    await Promise.all(
      lane.empty().map(({ message, recipients }) => this.#settleAside(message, recipients, outcome, lane.route.retry)),
    )
    lane.room.unsettled--
    lane.underWay--
    this.#goOn(lane)
  }

  #refill(lane: Lane): void {
    if (this.#stopping) return
    for (let handle = lane.unpark(); handle !== undefined; handle = lane.unpark()) void this.#bring(lane, handle)
  }

  async #bring(lane: Lane, handle: number): Promise<void> {
    const { take, look } = this.#parts
    await take(handle, (message) => look(message, this.#ways.isInForce(lane) ? lane : undefined))
    lane.coming -= 1
    this.#pump(lane)
  }

  /** While no smarthost works, or each throttles all, little is attempted; what is over its time is given up all the same. */
  #sleep(lane: Lane, until: number): void {
    const { now } = this.#parts
    const set = lane.wakeAt(until, now(), () => this.#pump(lane))
    if (!set || !lane.carriesNothing(now())) return
    const { retry } = lane.route
    if (!this.#parts.ledger.mayBeOver(retry)) return
    if (!lane.overdue.waits) this.#findOverdue(lane, (acceptedAt) => this.#parts.ledger.isOver(acceptedAt, retry))
    const outcome = lane.deferral
    lane.overdue.begin(
      (handle) => this.#giveUp(lane, handle, outcome),
      () => this.#pump(lane),
    )
  }

  #findOverdue(lane: Lane, isOver: (acceptedAt: number) => boolean): void {
    for (const { message, recipients } of lane.takeOverdue(isOver)) this.#putAside(lane, message, recipients)
    lane.findOverdue(isOver, (handle) => this.#parts.spool.acceptedAt(handle))
  }

  async #giveUp(lane: Lane, handle: number, outcome: Outcome): Promise<void> {
    if (this.#stopping) return
    const { take, now, look } = this.#parts
    const settle = (message: Tracked): void | Promise<void> => {
      const hop = [...this.#ways.hopsOf(message, dueIn(message, now()).due)].find((h) => lane.takes(h))
      return hop === undefined ? look(message) : this.#settleAside(message, hop.recipients, outcome, lane.route.retry)
    }
    await take(handle, settle)
  }

  async #run(lane: Lane, next: Next): Promise<void> {
    const { message } = next.parcel
    const { queueId } = message.envelope
    this.#inFlight.begin(queueId)
    try {
      const open = this.#parts.openAttempts.begin(queueId)
      const results = this.#ended(lane, next, await this.#attempt(next))
      const settled = this.#sendOn(lane, next.pool, next.parcel, results)
      lane.room.unsettled++
      this.#goOn(lane)
      await this.#settle(message, settled, lane.route.retry)
      const recorded = this.#parts.ledger.recorded(message)
      if (recorded !== undefined) await this.#inFlight.without(queueId, lane.room.behindUntil(recorded))
      // Until it is told outside of this process that there may be a copy, the file tells it.
      if (results.some(({ outcome }) => outcome.kind === 'ambiguous')) this.#parts.flushLog()
      if (this.#parts.spool.handleOf(queueId) === undefined) this.#parts.openAttempts.leave(open)
      else this.#parts.openAttempts.end(open)
      lane.room.unsettled--
      lane.underWay--
      this.#goOn(lane)
    } finally {
      this.#inFlight.end(queueId)
    }
  }

  /** Its place is free, and what came of it is told. */
  #ended(lane: Lane, next: Next, attempted: Attempted): readonly Result[] {
    const { now, events } = this.#parts
    const { pool, parcel } = next
    this.#pools.finished(pool)
    lane.room.end(lane, parcel.message.envelope.credential)
    if (attempted.asked && !pool.isAbandoned) learn(lane, pool, attempted.outcomes, now(), events)
    const smarthost = placeOf(pool)
    const results: Result[] = []
    for (const [i, said] of attempted.outcomes.entries()) {
      const outcome = lane.lastWord(said, next)
      if (!this.#wasInterrupted(outcome)) results.push({ recipient: parcel.recipients[i] ?? -1, outcome, smarthost })
    }
    // Told in the order of the message, whoever was asked first.
    results.sort((a, b) => a.recipient - b.recipient)
    tell(lane, pool, parcel.message, attempted, results, events)
    return results
  }

  /** Something is free again; others of the route may have waited for it longer. Only a turn among them begins a new streak. */
  #goOn(lane: Lane): void {
    const own = this.#ways.successorOf(lane) ?? lane
    const goesOn = own.streak < longestStreak
    if (goesOn) this.#pump(own)
    for (let next = lane.room.next(); next !== undefined; next = lane.room.next()) this.#takeTurn(next)
    if (!goesOn) this.#pump(own)
  }

  #takeTurn(lane: Lane): void {
    lane.streak = 0
    this.#pump(lane)
  }

  async #attempt({ pool, parcel, hurried }: Next): Promise<Attempted> {
    const { spool, signer, turns, headroom } = this.#parts
    const owner = { rank: 'delivery', name: parcel.message.envelope.credential } as const
    const room = headroom.enter(owner)
    if (room !== undefined) await room
    await turns.turn(owner, attemptCostMs)
    try {
      return await attempt(pool.connections(hurried), spool, signer, parcel.message.envelope, forwardPathsOf(parcel))
    } catch (error) {
      this.#parts.events.unexpected('content', error)
      return unreadable(error, parcel.recipients.length)
    }
  }

  /** What ended because we left is no attempt; the message is as it was. */
  #wasInterrupted(outcome: Outcome): boolean {
    return this.#interrupted && outcome.kind === 'deferred' && outcome.scope === 'nextHop'
  }

  /** Sends on at once whom another smarthost or another transaction may take; returns whom to settle. */
  #sendOn(lane: Lane, pool: Pool, parcel: Parcel, results: readonly Result[]): readonly Result[] {
    const { message, transactions = 0 } = parcel
    const { failed, leftOver, spoilt, settled, taken } = sortResults(results, transactions)
    if (settled.length === results.length) return settled
    // Where nobody has an outcome, each of the next ones is for fewer, also when nobody else can take them after all.
    const atMost = spoilt.length === parcel.recipients.length ? Math.ceil(spoilt.length / 2) : parcel.atMost
    const again = (some: readonly Result[]): Parcel => {
      const tried = alsoTried(parcel.tried, pool.name, some)
      const recipients = some.map(positionOf)
      return { message, recipients, tried, transactions: transactions + 1, ...(atMost !== undefined && { atMost }) }
    }
    const goesElsewhere = (some: readonly Result[]): boolean =>
      some.length > 0 && !this.#stopping && this.#tryElsewhere(lane, again(some))
    if (spoilt.length > 0 && !goesElsewhere(spoilt)) this.#addAgain(again(spoilt))
    if (leftOver.length > 0) this.#addAgain({ ...again(leftOver), atMost: taken })
    if (goesElsewhere(failed)) return settled
    if (failed.length === 0 || parcel.atMost === undefined) return [...settled, ...failed]
    this.#addAgain(again(failed))
    return settled
  }

  /** What failed on a way that is gone is routed anew. */
  #tryElsewhere(lane: Lane, parcel: Parcel): boolean {
    if (this.#ways.isInForce(lane)) return lane.addAgain(parcel, this.#parts.now())
    this.#addAgain(parcel)
    return true
  }

  async #settleAside(message: Tracked, recipients: readonly number[], outcome: Outcome, retry: Retry): Promise<void> {
    this.#inFlight.begin(message.envelope.queueId)
    const results = recipients.map((recipient) => ({ recipient, outcome }))
    await this.#settle(message, results, retry)
    this.#inFlight.end(message.envelope.queueId)
    await this.#parts.ledger.recorded(message)
  }

  #settle(message: Tracked, results: readonly Result[], retry: Retry): Promise<void> {
    if (results.length === 0) return Promise.resolve()
    return this.#parts.ledger.settle(message, results, retry)
  }
}

const positionOf = ({ recipient }: Result): number => recipient
