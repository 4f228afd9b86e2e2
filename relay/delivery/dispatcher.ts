/** Brings what waits and what is free together: each way out for itself, so that a dead smarthost or domain delays no other. */
import type { LoadedConfig } from '../config.ts'
import type { Events } from '../events.ts'
import type { SmarthostStatus } from '../http.ts'
import type { Outcome } from '../mail/outcome.ts'
import { reply } from '../mail/reply.ts'
import type { Spool } from '../spool/spool.ts'
import { within } from '../within.ts'
import type { Attempted } from './attempt.ts'
import { type Attempting, attemptInTurn } from './attempt-in-turn.ts'
import type { Retry } from './decide.ts'
import type { Hop } from './hop.ts'
import { InFlight } from './in-flight.ts'
import type { KnownExchangers } from './known-exchangers.ts'
import type { Lane, Next, Wait } from './lane.ts'
import type { Ledger, Result } from './ledger.ts'
import { askedIn, learn, tell } from './news.ts'
import type { Surroundings } from './open.ts'
import type { OpenAttempts } from './open-attempts.ts'
import type { Pool, PoolLimits } from './pool.ts'
import { Pools } from './pools.ts'
import type { Roster, Take } from './roster.ts'
import { sortResults } from './sorting.ts'
import { dueIn, type Parcel, parcelsOf, type Tracked } from './tracked.ts'
import { type Loose, Ways } from './ways.ts'

export type DispatcherParts = Attempting & {
  readonly spool: Pick<Spool, 'handleOf' | 'acceptedAt'>
  readonly roster: Pick<Roster, 'release'>
  readonly ledger: Ledger
  readonly openAttempts: OpenAttempts
  readonly events: Events
  readonly around: Surroundings
  readonly poolLimits: PoolLimits
  readonly exchangers: Pick<KnownExchangers, 'find'>
  readonly exchangerPort: number
  readonly random: () => number
  /** Whatever of it is due goes on; with a lane, only what goes there. */
  readonly look: (message: Tracked, lane?: Lane) => void
  /** To be looked at and routed anew. */
  readonly again: (parked: Loose['parked']) => void
  readonly take: Take
  /** When it returns, all log lines so far have left this process. */
  readonly flushLog: () => void
}

/** Messages that one domain may start in a row while others wait for a connection. */
const longestStreak = 20
/** A domain that has mail all the time is looked up anew after this time. */
const lookUpEveryMs = 60_000
/** Five days (RFC 5321 section 4.5.4.1): that a route is missing is most likely a mistake, and it may have kept mail as long. */
export const noRouteRetry: Retry = { scheduleMs: [60_000, 300_000, 900_000, 3_600_000], expireAfterMs: 432_000_000 }
const noRoute: Outcome = {
  kind: 'deferred',
  scope: 'message',
  reply: reply(451, '3.5', 'no route of the policy takes this recipient'),
}

export class Dispatcher {
  readonly #parts: DispatcherParts
  readonly #pools: Pools<Lane>
  readonly #ways: Ways
  #suspended = false
  #stopping = false
  #interrupted = false
  readonly #inFlight = new InFlight()

  constructor(parts: DispatcherParts) {
    this.#parts = parts
    this.#pools = new Pools(parts)
    this.#ways = new Ways(this.#pools, parts.random, (lane, pool) => this.#goOn(lane, pool))
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

  /** Parks a message unread, where its credential alone decides its lane; else returns false. */
  park(handle: number, credential: string): boolean {
    const lane = this.#ways.laneOfAll(credential)
    if (lane === undefined) return false
    lane.park(credential, handle)
    this.#pump(lane)
    return true
  }

  /**
   * Recipients of one next hop share transactions. With `from`, only those that go there: the others wait in other lanes. All of
   * them have their place before any lane goes on: one that gives mail up has memory forget a message with which nothing is under way.
   */
  add({ message, recipients }: Parcel, from?: Lane): void {
    const lanes: Lane[] = []
    for (const hop of this.#ways.hopsOf(message, recipients)) {
      if (from !== undefined && !from.takes(hop)) continue
      const lane = this.#laneTo(hop, message, from)
      if (lane === undefined) continue
      const waitsOutside = this.#ways.isFront(lane) || (lane !== from && !lane.hasRoom(message.envelope.credential))
      if (waitsOutside) this.#park(lane, message)
      else this.#put(lane, { message, recipients: hop.recipients })
      lanes.push(lane)
    }
    for (const lane of lanes) this.#pump(lane)
  }

  /** Puts back into the window what was in it before: it does not wait for room there again. */
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

  /** The caller releases the message from memory. */
  #park(lane: Lane, { envelope }: Tracked): void {
    const handle = this.#parts.spool.handleOf(envelope.queueId)
    if (handle !== undefined) lane.park(envelope.credential, handle)
  }

  /** Takes it out of the window, and of memory: it waits parked. */
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
      const now = this.#parts.now()
      const next = lane.next(now)
      if (!('pool' in next)) {
        this.#hold(lane, next)
        break
      }
      next.pool.began(now)
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
    // The route's connections are in use for others: those that this domain holds idle are closed.
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

  /** Nothing can start now. A domain that is down makes room for others: what waits for it is deferred, as if it had been tried. */
  #hold(lane: Lane, { until, down }: Wait): void {
    if (lane.domain !== undefined && down) void this.#giveBack(lane, lane.deferral)
    else if (until !== undefined) this.#sleep(lane, until)
    if (!down) this.#ways.waitForOthers(lane)
  }

  async #giveBack(lane: Lane, outcome: Outcome): Promise<void> {
    lane.underWay++
    lane.room.unsettled++
    const settled = lane.empty().map(({ message, recipients, transactions = 0 }) => {
      return this.#settleAside(message, recipients, outcome, lane.route.retry, transactions > 0)
    })
    await Promise.all(settled)
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
      // While it was read the relay may have ended: nobody waits for its report.
      const due = this.#stopping ? [] : dueIn(message, now()).due
      const hop = [...this.#ways.hopsOf(message, due)].find((h) => lane.takes(h))
      const settled = hop && this.#settleAside(message, hop.recipients, outcome, lane.route.retry)
      // Its others may wait for a later time, or have another way.
      look(message)
      return settled
    }
    await take(handle, settle)
  }

  async #run(lane: Lane, next: Next): Promise<void> {
    const { message } = next.parcel
    const { queueId } = message.envelope
    this.#inFlight.begin(queueId)
    try {
      const open = this.#parts.openAttempts.begin(queueId)
      const results = this.#ended(lane, next, await attemptInTurn(this.#parts, next))
      const settled = this.#sendOn(lane, next.pool, next.parcel, results)
      lane.room.unsettled++
      this.#goOn(lane, next.pool)
      await this.#settle(message, settled, lane.route.retry)
      const recorded = this.#parts.ledger.recorded(message)
      if (recorded !== undefined) await this.#inFlight.without(queueId, lane.room.behindUntil(recorded))
      // The file of open attempts must not forget it before the log line is out that there may be a copy.
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

  /** The attempt is over: frees its place, learns from it, and tells of it. Returns what to settle or send on. */
  #ended(lane: Lane, next: Next, attempted: Attempted): readonly Result[] {
    const { now, events } = this.#parts
    const { pool, parcel } = next
    this.#pools.finished(pool, now())
    lane.room.end(lane, parcel.message.envelope.credential)
    learn(lane, pool, attempted, now(), events)
    const asked = askedIn(next, attempted)
    const results: Result[] = []
    for (const [i, said] of attempted.outcomes.entries()) {
      const outcome = lane.lastWord(said, next)
      if (!this.#wasInterrupted(attempted, outcome))
        results.push({ recipient: parcel.recipients[i] ?? -1, outcome, ...asked })
    }
    // Told in the order of the message, whoever was asked first.
    results.sort((a, b) => a.recipient - b.recipient)
    tell(lane, pool, parcel.message, attempted, results, events)
    return results
  }

  /**
   * A place is free, or there is another one. The lane goes on until its streak is over; then others of its route come first, and it
   * goes on in turn.
   */
  #goOn(lane: Lane, pool?: Pool): void {
    const own = this.#ways.successorOf(lane) ?? lane
    const goesOn = own.streak < longestStreak
    if (goesOn) this.#pump(own)
    for (const next of this.#ways.nextBehind(lane, pool)) this.#takeTurn(next)
    if (!goesOn) this.#pump(own)
  }

  #takeTurn(lane: Lane): void {
    lane.streak = 0
    this.#pump(lane)
  }

  /** We closed the connection, as the relay stops, or before it did: that was no attempt, and the message is as it was. */
  #wasInterrupted({ withdrawn = false }: Attempted, outcome: Outcome): boolean {
    const isClosed = this.#interrupted || (this.#stopping && withdrawn)
    return isClosed && outcome.kind === 'deferred' && outcome.scope === 'nextHop'
  }

  /** Sends on at once whom another smarthost or another transaction may take; returns whom to settle. */
  #sendOn(lane: Lane, pool: Pool, parcel: Parcel, results: readonly Result[]): readonly Result[] {
    const { settled, failed, leftOver, spoilt } = sortResults(parcel, results, pool.name)
    if (spoilt !== undefined && !this.#tryElsewhere(lane, spoilt)) this.#addAgain(spoilt)
    if (leftOver !== undefined) this.#addAgain(leftOver)
    if (failed === undefined || this.#tryElsewhere(lane, failed.parcel)) return settled
    if (parcel.atMost === undefined) return [...settled, ...failed.results]
    this.#addAgain(failed.parcel)
    return settled
  }

  /** False where no other smarthost takes it. If the lane is of an earlier configuration, what failed there is routed anew. */
  #tryElsewhere(lane: Lane, parcel: Parcel): boolean {
    if (this.#stopping) return false
    if (this.#ways.isInForce(lane)) return lane.addAgain(parcel, this.#parts.now())
    this.#addAgain(parcel)
    return true
  }

  async #settleAside(message: Tracked, recipients: readonly number[], outcome: Outcome, retry: Retry, asked = false) {
    this.#inFlight.begin(message.envelope.queueId)
    const results = recipients.map((recipient) => ({ recipient, outcome, asked }))
    await this.#settle(message, results, retry)
    this.#inFlight.end(message.envelope.queueId)
    await this.#parts.ledger.recorded(message)
  }

  #settle(message: Tracked, results: readonly Result[], retry: Retry): Promise<void> {
    if (results.length === 0) return Promise.resolve()
    return this.#parts.ledger.settle(message, results, retry)
  }
}
