/** Brings what waits and what is free together: each route for itself, so that a dead smarthost delays no other. */
import type { LoadedConfig, RouteConfig } from '../config.ts'
import type { Events } from '../events.ts'
import type { SmarthostStatus } from '../http.ts'
import type { Outcome } from '../mail/outcome.ts'
import { reply, replyLine } from '../mail/reply.ts'
import type { Spool } from '../spool/spool.ts'
import { type Attempted, attempt, unreadable } from './attempt.ts'
import type { Retry } from './decide.ts'
import { afterAttempt, describeHealth } from './health.ts'
import { Lane } from './lane.ts'
import type { Ledger, Result } from './ledger.ts'
import type { Surroundings } from './open.ts'
import type { OpenAttempts } from './open-attempts.ts'
import type { Pool, PoolLimits } from './pool.ts'
import { Pools } from './pools.ts'
import type { Roster } from './roster.ts'
import { routeOf, routeOfAll } from './route.ts'
import type { Signer } from './signer.ts'
import { sortResults } from './sorting.ts'
import { dueIn, forwardPathsOf, type Parcel, type Tracked } from './tracked.ts'
import { within } from './within.ts'

export type DispatcherParts = {
  readonly spool: Pick<Spool, 'content' | 'handleOf' | 'outline'>
  readonly roster: Roster
  readonly ledger: Ledger
  readonly openAttempts: OpenAttempts
  readonly signer: Signer
  readonly events: Events
  readonly around: Surroundings
  readonly poolLimits: PoolLimits
  readonly now: () => number
  /** While the clock cannot be trusted nothing expires. */
  readonly mayExpire: () => boolean
  /** Whatever of it is due goes on; with a lane, only what goes there. */
  readonly look: (message: Tracked, lane?: Lane) => void
  /** To be looked at and routed anew. */
  readonly again: (handles: readonly number[]) => void
  /** The spool could not read it. */
  readonly unread: (handle: number, error: unknown) => void
}

/** What the spool has not yet been told of one route's deliveries; a crash could repeat no more than these. */
const maxUnsettled = 20
const recipientsPerTransaction = 100
/** In memory for all routes together, before what arrives is left to the spool. */
const recipientsInMemory = 4000
const expiringAtOnce = 16
const noRouteRetry: Retry = { scheduleMs: [60_000, 300_000, 900_000, 3_600_000], expireAfterMs: 86_400_000 }
const noRoute: Outcome = {
  kind: 'deferred',
  scope: 'message',
  reply: reply(451, '3.5', 'no route of the policy takes this recipient'),
}

export class Dispatcher {
  readonly #parts: DispatcherParts
  readonly #pools: Pools
  #lanes = new Map<string, Lane>()
  /** Of an earlier configuration, with messages that are being read. */
  readonly #leaving = new Set<Lane>()
  #routes: readonly RouteConfig[] = []
  #suspended = false
  #stopping = false
  #interrupted = false
  #inFlight = 0
  #whenIdle: (() => void) | undefined

  constructor(parts: DispatcherParts) {
    this.#parts = parts
    this.#pools = new Pools(parts)
  }

  get waiting(): number {
    let waiting = 0
    for (const lane of [...this.#lanes.values(), ...this.#leaving]) waiting += lane.waiting
    return waiting
  }

  get inFlight(): number {
    return this.#inFlight
  }

  /** Health of every smarthost, for status pages. */
  smarthosts(): readonly SmarthostStatus[] {
    const now = this.#parts.now()
    return [...this.#lanes.values()].flatMap(({ route, pools }) =>
      pools.map((pool) => ({ route: route.name, name: pool.name, ...describeHealth(pool.health, now) })),
    )
  }

  /** What waits is routed anew; connections and health of an unchanged smarthost are kept. */
  reload(loaded: LoadedConfig): void {
    const before = this.#lanes
    const parcels = [...before.values()].flatMap((lane) => lane.empty())
    const { routes, suspended } = loaded.config
    const sameWays = haveSameWays(this.#routes, routes)
    this.#routes = routes
    this.#suspended = suspended
    const poolsOf = this.#pools.reload(loaded)
    const most = Math.ceil(recipientsInMemory / routes.length)
    this.#lanes = new Map(routes.map((r) => [r.name, new Lane(r, poolsOf(r), most, before.get(r.name)?.unsettled)]))
    for (const lane of before.values()) {
      const next = sameWays ? this.#laneOf(lane.route) : undefined
      if (next === undefined) this.#parts.again(lane.unparkAll())
      else next.adoptParked(lane)
      if (lane.waiting > 0) this.#leaving.add(lane)
    }
    for (const parcel of parcels) this.#addAgain(parcel)
    for (const lane of this.#lanes.values()) this.#pump(lane)
  }

  /** Takes it unread, where its credential alone tells its route. */
  park(handle: number, credential: string): boolean {
    const lane = this.#laneOf(routeOfAll(this.#routes, credential))
    if (lane === undefined) return false
    lane.park(credential, handle)
    this.#pump(lane)
    return true
  }

  /** Recipients of one route share transactions. With a lane, the others are left: they are waited for elsewhere. */
  add({ message, recipients }: Parcel, only?: Lane): void {
    this.#eachLane(message, recipients, (lane, together) => {
      if (only !== undefined && lane !== only) return
      if (only === undefined && !lane.hasRoom(message.envelope.credential)) this.#park(lane, message)
      else this.#put(lane, message, together)
      this.#pump(lane)
    })
  }

  /** It had its turn in the window before. */
  #addAgain({ message, recipients }: Parcel): void {
    this.#eachLane(message, recipients, (lane, together) => {
      this.#put(lane, message, together)
      this.#pump(lane)
    })
  }

  #eachLane(message: Tracked, all: readonly number[], take: (lane: Lane, recipients: readonly number[]) => void): void {
    for (const [route, recipients] of this.#byRoute(message, all)) {
      const lane = this.#laneOf(route)
      if (lane === undefined) void this.#settleAside(message, recipients, noRoute, noRouteRetry)
      else take(lane, recipients)
    }
  }

  #laneOf(route: RouteConfig | undefined): Lane | undefined {
    const lane = route === undefined ? undefined : this.#lanes.get(route.name)
    return lane === undefined || lane.pools.length === 0 ? undefined : lane
  }

  #put(lane: Lane, message: Tracked, recipients: readonly number[]): void {
    for (const recipient of recipients) message.busy.add(recipient)
    for (let i = 0; i < recipients.length; i += recipientsPerTransaction) {
      lane.add({ message, recipients: recipients.slice(i, i + recipientsPerTransaction) })
    }
  }

  /** Whoever looked at the message releases it. */
  #park(lane: Lane, { envelope }: Tracked): void {
    const handle = this.#parts.spool.handleOf(envelope.queueId)
    if (handle !== undefined) lane.park(envelope.credential, handle)
  }

  /** Starts nothing more, waits for what is in flight, and closes its connections when the time is over. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true
    this.#pools.retire()
    await within(graceMs, this.#idle())
    this.#interrupted = true
    this.#pools.destroy()
    await this.#idle()
  }

  #idle(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const others = this.#whenIdle
      this.#whenIdle = () => {
        others?.()
        resolve()
      }
    })
  }

  #byRoute(message: Tracked, recipients: readonly number[]): Map<RouteConfig | undefined, number[]> {
    const groups = new Map<RouteConfig | undefined, number[]>()
    for (const recipient of recipients) {
      const forwardPath = message.recipients[recipient]?.forwardPath ?? ''
      const route = routeOf(this.#routes, message.envelope, forwardPath)
      const group = groups.get(route)
      if (group === undefined) groups.set(route, [recipient])
      else group.push(recipient)
    }
    return groups
  }

  #pump(lane: Lane): void {
    this.#refill(lane)
    while (!this.#stopping && !this.#suspended && lane.unsettled.count < maxUnsettled) {
      const next = lane.next(this.#parts.now())
      if (!('pool' in next)) {
        if (next.until !== undefined) this.#sleep(lane, next.until, next.down)
        return
      }
      next.pool.inUse++
      this.#begin()
      void this.#run(lane, next.pool, next.parcel).finally(() => this.#end())
    }
  }

  #refill(lane: Lane): void {
    if (this.#stopping) return
    for (let handle = lane.unpark(); handle !== undefined; handle = lane.unpark()) void this.#bring(lane, handle)
  }

  async #bring(lane: Lane, handle: number): Promise<void> {
    const { roster, look, unread } = this.#parts
    try {
      const message = await roster.fetch(handle)
      if (message !== undefined) look(message, this.#isInForce(lane) ? lane : undefined)
    } catch (error) {
      unread(handle, error)
    }
    lane.coming -= 1
    this.#pump(lane)
    this.#leave(lane)
  }

  #leave(lane: Lane): void {
    if (lane.waiting === 0) this.#leaving.delete(lane)
  }

  /** After a reload the ways are others. */
  #isInForce(lane: Lane): boolean {
    return this.#lanes.get(lane.route.name) === lane
  }

  #begin(): void {
    this.#inFlight++
  }

  #end(): void {
    this.#inFlight--
    if (this.#inFlight > 0) return
    this.#whenIdle?.()
    this.#whenIdle = undefined
  }

  /** While no smarthost works nothing is attempted; what is over its time is given up all the same. */
  #sleep(lane: Lane, until: number, down: boolean): void {
    const { now } = this.#parts
    const set = lane.wakeAt(until, now(), () => this.#pump(lane))
    if (!set || !down) return
    const lastFailure = lane.pools.find((pool) => pool.health.lastFailure !== undefined)?.health.lastFailure
    if (lastFailure === undefined || !this.#parts.mayExpire()) return
    const { retry } = lane.route
    const outcome: Outcome = { kind: 'deferred', scope: 'nextHop', reply: lastFailure }
    const acceptedAt = (handle: number) => this.#parts.spool.outline(handle)?.acceptedAt ?? Number.POSITIVE_INFINITY
    for (const { message, recipients } of lane.takeOverdue(now() - retry.expireAfterMs, acceptedAt)) {
      void this.#settleAside(message, recipients, outcome, retry)
    }
    while (lane.expiring < expiringAtOnce && lane.overdue.length > 0) void this.#giveUpOverdue(lane, outcome)
  }

  async #giveUpOverdue(lane: Lane, outcome: Outcome): Promise<void> {
    lane.expiring += 1
    for (let handle = lane.overdue.pop(); handle !== undefined && !this.#stopping; handle = lane.overdue.pop()) {
      await this.#giveUp(lane, handle, outcome).catch((error) => this.#parts.unread(handle ?? -1, error))
    }
    lane.expiring -= 1
    this.#pump(lane)
    this.#leave(lane)
  }

  async #giveUp(lane: Lane, handle: number, outcome: Outcome): Promise<void> {
    const { roster, now, look } = this.#parts
    const message = await roster.fetch(handle)
    if (message === undefined) return
    const recipients = this.#byRoute(message, dueIn(message, now()).due).get(lane.route) ?? []
    if (recipients.length === 0) look(message)
    else await this.#settleAside(message, recipients, outcome, lane.route.retry)
  }

  async #run(lane: Lane, pool: Pool, parcel: Parcel): Promise<void> {
    const { ledger, openAttempts } = this.#parts
    const open = openAttempts.begin(parcel.message.envelope.queueId)
    const attempted = await this.#attempt(pool, parcel)
    this.#pools.finished(pool)
    if (attempted.asked && !this.#interrupted) this.#learn(pool, attempted.outcomes)
    const smarthost = placeOf(pool)
    const results = attempted.outcomes
      .map((outcome, i): Result => ({ recipient: parcel.recipients[i] ?? -1, outcome, smarthost }))
      .filter(({ outcome }) => !this.#wasInterrupted(outcome))
    this.#tell(lane, pool, parcel.message, attempted, results)
    const settled = this.#sendOn(lane, pool, parcel, results)
    lane.unsettled.count++
    this.#goOn(lane)
    await this.#settle(parcel.message, settled, lane.route.retry)
    if (!ledger.isBehind(parcel.message)) openAttempts.end(open)
    lane.unsettled.count--
    this.#goOn(lane)
  }

  /** Something is free again; after a reload it is another lane that waits for it. */
  #goOn(lane: Lane): void {
    this.#pump(this.#lanes.get(lane.route.name) ?? lane)
  }

  async #attempt(pool: Pool, parcel: Parcel): Promise<Attempted> {
    const { spool, signer } = this.#parts
    try {
      return await attempt(pool, spool, signer, parcel.message.envelope, forwardPathsOf(parcel))
    } catch (error) {
      this.#parts.events.unexpected('content', error)
      return unreadable(error, parcel.recipients.length)
    }
  }

  /** What ended because we left is no attempt; the message is as it was. */
  #wasInterrupted(outcome: Outcome): boolean {
    return this.#interrupted && outcome.kind === 'deferred' && outcome.scope === 'nextHop'
  }

  #learn(pool: Pool, outcomes: readonly Outcome[]): void {
    const { now, events } = this.#parts
    const [before, at] = [pool.health, now()]
    pool.health = afterAttempt(before, outcomes, at)
    const { ejectedUntil, lastFailure } = pool.health
    if (ejectedUntil > before.ejectedUntil && lastFailure !== undefined)
      events.smarthostEjected(pool.name, pool.target.smarthost.host, ejectedUntil - at, replyLine(lastFailure))
  }

  #tell(lane: Lane, pool: Pool, message: Tracked, { tookMs }: Attempted, results: readonly Result[]): void {
    const { events } = this.#parts
    const { name, host } = placeOf(pool)
    const where = { queueId: message.envelope.queueId, route: lane.route.name, smarthost: name, host }
    for (const { recipient, outcome } of results) {
      const { forwardPath = '', attempts = 0 } = message.recipients[recipient] ?? {}
      events.attempted({ ...where, forwardPath, attempt: attempts + 1, outcome })
    }
    if (tookMs !== undefined && results.length > 0) events.attemptTook(name, tookMs / 1000)
  }

  /** Sends on at once whom another smarthost or another transaction may take; returns whom to settle. */
  #sendOn(lane: Lane, pool: Pool, { message, tried }: Parcel, results: readonly Result[]): readonly Result[] {
    const { failed, leftOver, settled } = sortResults(results)
    if (leftOver.length > 0) this.#addAgain({ message, recipients: leftOver.map(positionOf) })
    const recipients = failed.map(positionOf)
    const again = { message, recipients, tried: new Set([...(tried ?? []), pool.name]) }
    const goesOn = failed.length > 0 && !this.#stopping && this.#tryElsewhere(lane, again)
    return goesOn || failed.length === 0 ? settled : [...settled, ...failed]
  }

  /** What failed on a way that is gone is routed anew. */
  #tryElsewhere(lane: Lane, parcel: Parcel): boolean {
    if (this.#isInForce(lane)) return lane.addAgain(parcel, this.#parts.now())
    this.#addAgain({ message: parcel.message, recipients: parcel.recipients })
    return true
  }

  async #settleAside(message: Tracked, recipients: readonly number[], outcome: Outcome, retry: Retry): Promise<void> {
    this.#begin()
    await this.#settle(
      message,
      recipients.map((recipient) => ({ recipient, outcome })),
      retry,
    )
    this.#end()
  }

  #settle(message: Tracked, results: readonly Result[], retry: Retry): Promise<void> {
    if (results.length === 0) return Promise.resolve()
    const expireAfterMs = this.#parts.mayExpire() ? retry.expireAfterMs : Number.POSITIVE_INFINITY
    return this.#parts.ledger.settle(message, results, { scheduleMs: retry.scheduleMs, expireAfterMs })
  }
}

function placeOf({ target }: Pool): NonNullable<Result['smarthost']> {
  const { name, host, port } = target.smarthost
  return { name, host, port }
}

/** Whatever went one way goes the way of that name. */
const haveSameWays = (before: readonly RouteConfig[], after: readonly RouteConfig[]): boolean =>
  JSON.stringify(before.map(wayOf)) === JSON.stringify(after.map(wayOf))
const wayOf = ({ name, match }: RouteConfig) => [name, match]

const positionOf = ({ recipient }: Result): number => recipient
