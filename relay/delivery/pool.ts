/** The connections to one smarthost or exchanger: used again while they last, closed when idle, and its health. */
import type { SecureContext } from 'node:tls'
import type { Events } from '../events.ts'
import type { Outcome } from '../mail/outcome.ts'
import { isWithdrawn } from './answer.ts'
import type { Connections } from './attempt.ts'
import type { Client } from './client.ts'
import { type Health, isFailure, isOfConnection } from './health.ts'
import { type HealthRecord, newRecord } from './health-records.ts'
import { IdleConnections } from './idle-connections.ts'
import { type Opened, openClient, type Surroundings, withdrawn } from './open.ts'
import { secureContext, tlsPolicies } from './secure.ts'
import { type Deadlines, hurriedIn } from './stage.ts'
import { isRefusedForNow, isSilent, isUngreeted, surplusMs } from './surplus.ts'
import type { Target } from './target.ts'
import { WaitingAttempts } from './waiting-attempts.ts'

export type PoolLimits = { readonly idleMs: number; readonly messagesPerConnection: number }

/** Shorter than the five minutes that a server must wait for us, and than most firewalls' memory. */
export const poolLimits: PoolLimits = { idleMs: 30_000, messagesPerConnection: 1000 }

/** While a connection is open, a login that was good a moment ago is taken to be good still. */
const loginGoodForMs = 1000
/** An opening that fails faster than this may fail three times before the smarthost is left out, as without a login. */
const patienceMs = 1000
/** How long a host that loses commands behind others has no pipelining: to find out again costs a message an attempt. */
const lockstepMs = 3_600_000
/** Nobody has said how many connections an exchanger takes: what is open may double, so that few of those that open are too many. */
const firstPlaces = 5

/** Of an attempt of a configuration that has gone. */
const withdrawal: Opened = { kind: 'failed', stage: 'MAIL', answer: withdrawn }

export class Pool {
  #target: Target
  readonly #around: Surroundings
  readonly #hurriedDeadlines: Deadlines
  readonly #events: Pick<Events, 'smarthostConnected'>
  readonly #limits: PoolLimits
  /** What waits to be connected ends with it. */
  #withdrawal = new AbortController()
  #abandoned = false
  readonly #idle: IdleConnections
  readonly #busy = new Set<Client>()
  #context: SecureContext | undefined
  #retired = false
  #loggedInAt = Number.NEGATIVE_INFINITY
  /** When a connection was last given back in order, and when mail was last given one, new or not. */
  #cameBackAt = Number.NEGATIVE_INFINITY
  #takenAt = Number.NEGATIVE_INFINITY
  /** Its own opening that others wait for, to see whether the login is good. */
  #first: Promise<Opened> | undefined
  #opening = 0
  readonly #waiting: WaitingAttempts
  /** How many were taken when one more was refused, and until when that is believed. */
  #surplus: { readonly taken: number; readonly until: number } | undefined
  /** Shared with the pools of the same way. */
  readonly record: HealthRecord
  #inUse = 0
  #movedAt = 0
  /** Called when a connection was opened: there may be more places now. */
  onOpened: () => void = () => {}

  constructor(
    target: Target,
    around: Surroundings,
    events: Pick<Events, 'smarthostConnected'>,
    limits = poolLimits,
    record: HealthRecord = newRecord(),
  ) {
    this.#target = target
    this.record = record
    this.#around = around
    this.#hurriedDeadlines = hurriedIn(around.deadlines)
    this.#events = events
    this.#limits = limits
    this.#idle = new IdleConnections(limits.idleMs)
    this.#waiting = new WaitingAttempts(around.deadlines.connect)
  }

  get target(): Target {
    return this.#target
  }

  get name(): string {
    return this.#target.smarthost.name
  }

  /** Its name in metrics: exchangers are without number, and have one for all. */
  get label(): string {
    return this.isExchanger ? 'mx' : this.name
  }

  get isExchanger(): boolean {
    return this.#target.addresses !== undefined
  }

  /** A smarthost's connections wait for the next message; an exchanger has them only while it has mail. */
  get lingers(): boolean {
    return this.isExchanger && this.#idle.size > 0
  }

  get health(): Health {
    return this.record.health
  }

  set health(health: Health) {
    this.record.health = health
  }

  get maxConnections(): number {
    return this.#target.smarthost.maxConnections
  }

  /** Transactions in flight; the dispatcher keeps them within `places`. */
  get inUse(): number {
    return this.#inUse
  }

  /** When a transaction last began or ended, in milliseconds on the steady clock. */
  get movedAt(): number {
    return this.#movedAt
  }

  began(now: number): void {
    this.#inUse++
    this.#movedAt = now
  }

  ended(now: number): void {
    this.#inUse--
    this.#movedAt = now
  }

  /** Transactions that may be in flight now. A login not known to be good adds one at a time, not all that wait (case U22). */
  get places(): number {
    const oneMore = Math.min(this.maxConnections, this.#connections() + 1)
    if (this.#surplus !== undefined && performance.now() < this.#surplus.until)
      return Math.min(oneMore, this.#surplus.taken)
    if (!this.#isLoginGood() || this.#surplus !== undefined) return oneMore
    return this.isExchanger ? firstPlaces + 2 * this.#connections() : this.maxConnections
  }

  get morePlacesInMs(): number {
    const leftMs = (this.#surplus?.until ?? 0) - performance.now()
    return leftMs > 0 ? Math.ceil(leftMs) : Number.POSITIVE_INFINITY
  }

  #connections(): number {
    return this.#idle.size + this.#busy.size
  }

  #isLoginGood(): boolean {
    if (this.#target.login === undefined) return true
    return this.#connections() > 0 && performance.now() - this.#loggedInAt < loginGoodForMs
  }

  /** The same way out with other limits, to be used, or used again. */
  update(target: Target): void {
    this.#target = target
    this.#retired = false
  }

  /** For one attempt that begins now, until a reload may give its mail another way; `isHurried` as choose.ts says. */
  connections(isHurried: () => boolean): Connections {
    const { signal } = this.#withdrawal
    const given = async (opened: Opened): Promise<Opened> => {
      const noted = this.#around.noted?.()
      if (noted !== undefined) await noted
      return this.#unlessWithdrawn(opened, signal)
    }
    const acquire = async (fresh: boolean): Promise<Opened> => {
      const idle = fresh ? undefined : this.#idle.take()
      return given(idle === undefined ? await this.#openOrWait(isHurried, signal) : this.#useAgain(idle, isHurried()))
    }
    const share = async (): Promise<Opened> => {
      const shared = this.#connections() > 0 ? await this.#nextFree(isHurried) : undefined
      return given(shared ?? (await this.#openOrWait(isHurried, signal)))
    }
    const release = (client: Client, outcomes: readonly Outcome[]): void => {
      this.#noteAddress(client, outcomes)
      if (client.losesCommands) this.record.lockstepUntil = performance.now() + lockstepMs
      if (outcomes.length > 0 && outcomes.every(isOfConnection)) client.quit()
      this.#release(client)
    }
    return { acquire, share, release, isOneTooMany: (client) => this.#isOneTooMany(client) }
  }

  /** Nothing is begun by a configuration that has gone while a connection, or the disk, was waited for: this one may want another way. */
  #unlessWithdrawn(opened: Opened, signal: AbortSignal): Opened {
    if (opened.kind === 'failed' || !signal.aborted) return opened
    this.#release(opened.client)
    return withdrawal
  }

  #useAgain(client: Client, hurried: boolean): Opened {
    client.waitFor(this.#deadlines(hurried))
    this.#take(client)
    return { kind: 'open', client }
  }

  #take(client: Client): void {
    this.#busy.add(client)
    this.#takenAt = performance.now()
    client.inLockstep = this.#takenAt < this.record.lockstepUntil
  }

  /** Opens a connection. Where only that is refused, as one too many, the mail goes over one of those that are open. */
  async #openOrWait(isHurried: () => boolean, signal: AbortSignal): Promise<Opened> {
    // While others carry mail, a further connection has no longer than connecting may take. If then none of them has carried any
    // meanwhile, it begins anew with the deadlines of the RFC, unless another next hop is to have the mail (decision 0054).
    for (let patient = false; ; ) {
      if (signal.aborted) return withdrawal
      const hurried = isHurried()
      const impatient: boolean = !hurried && !patient && this.#carriesMail()
      this.#opening++
      const began = performance.now()
      const opened = await this.#openInTurn(hurried || impatient, signal).finally(() => this.#opening--)
      if (opened.kind === 'open') opened.client.waitFor(this.#deadlines(hurried))
      patient = impatient && isSilent(opened) && !this.#hasCarriedSince(began)
      if (patient) continue
      if (!this.#isSurplus(opened, began, isHurried())) return opened
      const shared = await this.#nextFree(isHurried)
      if (shared !== undefined) return shared
    }
  }

  /**
   * Whether it failed only because others are open. If none is any more, those that wait for one ask again in turn, since the
   * smarthost may no longer count what has just ended; any other failure is shared by all of them, also where those that are open
   * carry no mail. What another next hop would take does not wait for those, whatever was said of a further one.
   */
  #isSurplus(opened: Opened, began: number, hurried: boolean): boolean {
    if (opened.kind === 'open' || isWithdrawn(opened.answer)) return false
    const isForLater = isRefusedForNow(opened)
    if (this.#connections() > 0) {
      const isRefused = isForLater && (!hurried || this.#carriesMail())
      const carried = { carriesMail: this.#carriesMail(), hasCarriedSince: (at: number) => this.#hasCarriedSince(at) }
      if (!isRefused && !isUngreeted(opened, began, this.#target.smarthost.tls.mode, carried)) {
        if (!this.#carriesMail()) this.#waiting.answerAll(opened)
        return false
      }
      this.#takesOnly(this.#connections())
      return true
    }
    if (this.#opening > 0) return isForLater
    if (isForLater) this.#waiting.next()?.(undefined)
    else this.#waiting.answerAll(opened)
    return false
  }

  /** Whether a new one was refused for those that carry mail. Then it is none any more, and its end makes no room for one. */
  #isOneTooMany(client: Client): boolean {
    const others = this.#connections() - 1
    if (others === 0 || !this.#hasCarriedSince(performance.now() - surplusMs)) return false
    this.#takesOnly(others)
    this.record.addresses.failed(client.address)
    return this.#busy.delete(client)
  }

  #takesOnly(taken: number): void {
    this.#surplus = { taken, until: performance.now() + surplusMs }
  }

  #carriesMail(): boolean {
    return this.#connections() > 0 && Math.max(this.#takenAt, this.#cameBackAt) > performance.now() - surplusMs
  }

  #hasCarriedSince(began: number): boolean {
    return this.#connections() > 0 && this.#cameBackAt > began
  }

  /** Undefined: there may be room for a new one. */
  async #nextFree(isHurried: () => boolean): Promise<Opened | undefined> {
    const idle = this.#idle.take()
    if (idle !== undefined) return this.#useAgain(idle, isHurried())
    const came = await this.#waiting.wait()
    return came?.kind === 'open' ? this.#useAgain(came.client, isHurried()) : came
  }

  #noteAddress({ address }: Client, outcomes: readonly Outcome[]): void {
    if (outcomes.some(isFailure)) this.record.addresses.failed(address)
    else if (outcomes.length > 0) this.record.addresses.worked(address)
  }

  #release(client: Client): void {
    if (!this.#busy.delete(client)) return
    if (client.usable) this.#cameBackAt = performance.now()
    const next = this.#waiting.next()
    const spent = client.transactions >= this.#limits.messagesPerConnection
    if (next !== undefined && client.usable && !spent) {
      this.#busy.add(client)
      next({ kind: 'open', client })
      return
    }
    next?.(undefined)
    if (!client.usable) return
    const tooMany = this.#connections() >= this.maxConnections
    if (spent || tooMany || this.#retired) {
      client.quit()
      return
    }
    this.#idle.keep(client)
  }

  /** Idle connections are closed now, those in use when they come back. */
  retire(): void {
    this.#retired = true
    this.closeIdle()
  }

  closeIdle(): void {
    this.#idle.closeAll()
  }

  /** What waits for a connection has none here. Nothing was said of it: it is routed anew. */
  withdraw(): void {
    if (this.record.first === this.#first) this.record.first = undefined
    this.#withdrawal.abort()
    this.#withdrawal = new AbortController()
    this.#waiting.answerAll(undefined)
  }

  /** Nobody waits for a connection any more, or ever will. */
  abandon(): void {
    this.retire()
    this.#abandoned = true
    this.withdraw()
    this.#withdrawal.abort()
  }

  get isAbandoned(): boolean {
    return this.#abandoned
  }

  /** Ends the connections in use, too. */
  destroy(): void {
    this.abandon()
    for (const client of this.#busy) client.destroy('the relay is stopping')
  }

  /** Where the login is not known to be good, one opens first, and the others wait for it and share its failure (case U22). */
  async #openInTurn(hurried: boolean, signal: AbortSignal): Promise<Opened> {
    if (this.#isLoginGood()) return this.#openOne(hurried, signal)
    if (this.record.first !== undefined) {
      const first = await this.record.first
      return first.kind === 'failed' ? first : this.#openOne(hurried, signal)
    }
    const began = performance.now()
    const opening = this.#openOne(hurried, signal).finally(() => {
      if (this.record.first === opening) this.record.first = undefined
      if (this.#first === opening) this.#first = undefined
    })
    this.#first = opening
    this.record.first = opening
    const opened = await opening
    // All have waited for this one: they are not to wait for two more such failures, so it counts as unproven and is left out by one.
    if (opened.kind === 'failed' && performance.now() - began > patienceMs && !signal.aborted)
      this.health = { ...this.health, proven: false }
    return opened
  }

  async #openOne(hurried: boolean, signal: AbortSignal): Promise<Opened> {
    const { roots, smarthost } = this.#target
    const context = (): SecureContext => {
      this.#context ??= secureContext(roots, tlsPolicies[smarthost.tls.mode].verified)
      return this.#context
    }
    const { addresses } = this.record
    const around = { lookup: this.#around.lookup, deadlines: this.#deadlines(hurried), addresses }
    const opened = await openClient(this.#target, context, around, signal)
    this.#loggedInAt = opened.kind === 'open' ? performance.now() : Number.NEGATIVE_INFINITY
    if (opened.kind === 'failed') return opened
    const { client } = opened
    this.#take(client)
    client.onBroken(() => this.#idle.forget(client))
    this.#events.smarthostConnected(this.label, client.tls)
    this.onOpened()
    return opened
  }

  #deadlines(hurried: boolean): Deadlines {
    return hurried ? this.#hurriedDeadlines : this.#around.deadlines
  }
}
