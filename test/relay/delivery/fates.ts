/**
 * Checks the events on each recipient: it has one fate, within its time, is reported once if it bounced, or was delivered where
 * that is asked for, and no copy arrives that the events do not explain.
 */
import type { RouteConfig } from '../../../relay/config.ts'
import type { Attempt, Events } from '../../../relay/events.ts'
import { type Envelope, type QueuedMessage, turnsOf } from '../../../relay/mail/envelope.ts'
import { replyLine } from '../../../relay/mail/reply.ts'
import { wantsFailure, wantsSuccess, wishFor } from '../../../relay/mail/report-wishes.ts'
import type { Copy } from './toy-hosts.ts'

type Retry = RouteConfig['retry']
type Fate = {
  readonly envelope: Envelope
  readonly forwardPath: string
  turns: number
  /** Between these is the number of its next attempt. */
  leastAttempt: number
  mostAttempt: number
  /** The reply to the last attempt, until its turn is over. */
  lastReply?: string | undefined
  nextAttemptAt: number
  delivered: number
  bounced: number
  reported: number
  ambiguous: number
  /** Copies that an end of the relay has made possible: what had been delivered, or was about to be, and was not recorded. */
  unrecorded: number
  endedAt: number
}

/** When a recipient may expire, and until when it may be deferred after so many turns; all times are true ones. */
type Times = {
  mayExpire(envelope: Envelope, forwardPath: string): boolean
  mayWait(envelope: Envelope, forwardPath: string, turns: number, at: number): boolean
}

export class Fates {
  readonly #byRecipient = new Map<string, Fate>()
  readonly #envelopeOf: (queueId: string) => Envelope | undefined
  readonly #wrong: (what: string) => void
  /** Reports that were told. */
  readonly #dsns = new Set<string>()
  /** A report on mail that was delivered may have got lost: the relay was cut off, or knew more than it could record. */
  mayLoseReports = false
  /** How often it was told of each message that it has left. */
  readonly #finished = new Map<string, number>()
  /** The retry schedules of all routes that there have been. */
  readonly retries: Retry[] = []
  /** By a clock that is right; where it is set, a story has its own. */
  times: Times = {
    mayExpire: ({ acceptedAt }) => this.retries.some(({ expireAfterMs }) => Date.now() - acceptedAt >= expireAfterMs),
    mayWait: ({ acceptedAt }, _, turns, at) =>
      this.retries.some(
        (retry) => at === acceptedAt + retry.expireAfterMs || this.#isStep(retry, acceptedAt, turns, at),
      ),
  }
  /** From `since` on, everything is healthy, and an attempt has to be made within `latestMs` of its time. */
  healthy = { since: Number.POSITIVE_INFINITY, latestMs: 0 }

  constructor(envelopeOf: (queueId: string) => Envelope | undefined, wrong: (what: string) => void) {
    this.#envelopeOf = envelopeOf
    this.#wrong = wrong
  }

  hear(fact: keyof Events, told: readonly unknown[]): void {
    if (fact === 'attempted') this.#attempted(told[0] as Attempt)
    if (fact === 'deferred') this.#deferred(this.#of(`${told[0]}`, `${told[1]}`), Number(told[2]), `${told[3]}`)
    if (fact === 'bounced') this.#bounced(this.#of(`${told[0]}`, `${told[1]}`), told[2] === 'expired')
    if (fact === 'dsnQueued') this.#reported(`${told[0]}`, this.#envelopeOf(`${told[1]}`))
    if (fact === 'finished') this.#finished.set(`${told[0]}`, (this.#finished.get(`${told[0]}`) ?? 0) + 1)
  }

  /** What the next process finds in the spool. `mayForget`: the one before may have known more than it could record. */
  restarted(stored: ReadonlyMap<string, QueuedMessage>, mayForget: boolean): void {
    this.mayLoseReports ||= mayForget
    for (const { envelope } of stored.values())
      if (envelope.reports !== undefined && !this.#dsns.has(envelope.queueId))
        this.#reported(envelope.reports.queueId, envelope)
    for (const [key, fate] of this.#byRecipient) {
      const { queueId } = fate.envelope
      const message = stored.get(queueId)
      if (message === undefined) {
        if (fate.delivered + fate.bounced !== 1) this.#wrong(`${key} is lost`)
        this.#finished.set(queueId, this.#finished.get(queueId) ?? 1)
        continue
      }
      if (this.#finished.has(queueId)) this.#wrong(`${queueId} is still there`)
      this.#believe(key, fate, message, mayForget)
    }
  }

  #believe(key: string, fate: Fate, { recipients }: QueuedMessage, mayForget: boolean): void {
    const state = recipients.find(({ forwardPath }) => key === `${fate.envelope.queueId} ${forwardPath}`)
    if (state === undefined) throw new Error(`${key} is in no state`)
    if (state.state !== 'pending') {
      const isClosedByReport = state.state === 'bounced' && fate.reported === 1 && fate.delivered === 1
      if (fate[state.state] !== 1 && !isClosedByReport) this.#wrong(`${key} is ${state.state}`)
      return
    }
    if (fate.delivered + fate.bounced > 0 && !mayForget) this.#wrong(`${key} is tried again`)
    if (fate.reported > 0) this.#wrong(`${key} was reported and is pending`)
    if (fate.ambiguous > state.ambiguous && !mayForget) this.#wrong(`${key} may have copies that are forgotten`)
    fate.unrecorded += fate.delivered + fate.ambiguous - state.ambiguous
    fate.delivered = 0
    fate.bounced = 0
    fate.ambiguous = state.ambiguous
    fate.turns = turnsOf(state)
    fate.leastAttempt = state.attempts + 1
    fate.mostAttempt = state.attempts + 1
    fate.lastReply = undefined
    fate.nextAttemptAt = state.nextAttemptAt
  }

  /** A copy arrived of which the relay never heard. */
  unheard({ queueId, forwardPaths }: Copy): void {
    for (const path of forwardPaths) this.#of(queueId, path).unrecorded++
  }

  expect(envelope: Envelope): void {
    for (const path of envelope.forwardPaths) this.#of(envelope.queueId, path, envelope)
  }

  /** The fate of a recipient. A DSN is not expected beforehand, so its fate begins with the first event on it. */
  #of(queueId: string, path: string, envelope = this.#envelopeOf(queueId)): Fate {
    const known = this.#byRecipient.get(`${queueId} ${path}`)
    if (known !== undefined) return known
    if (envelope === undefined) throw new Error(`${queueId} is nobody's`)
    const nothing = { turns: 0, delivered: 0, bounced: 0, reported: 0, ambiguous: 0, unrecorded: 0 }
    const fate = {
      envelope,
      forwardPath: path,
      leastAttempt: 1,
      mostAttempt: 1,
      nextAttemptAt: envelope.acceptedAt,
      endedAt: 0,
      ...nothing,
    }
    this.#byRecipient.set(`${queueId} ${path}`, fate)
    return fate
  }

  #attempted({ queueId, forwardPath, attempt, outcome }: Attempt): void {
    const fate = this.#of(queueId, forwardPath)
    const now = Date.now()
    if (fate.delivered + fate.bounced > 0) this.#wrong(`${queueId} was tried after its end`)
    if (now < fate.nextAttemptAt) this.#wrong(`${queueId} was tried too early`)
    const { leastAttempt, mostAttempt } = fate
    if (attempt < leastAttempt || attempt > mostAttempt) this.#wrong(`${queueId}: ${attempt} for ${mostAttempt}`)
    // In one turn all have one number.
    fate.leastAttempt = attempt
    fate.mostAttempt = attempt
    fate.lastReply = replyLine(outcome.reply)
    const late = now - Math.max(fate.nextAttemptAt, this.healthy.since)
    if (late > this.healthy.latestMs) this.#wrong(`${queueId} was tried ${late} ms late`)
    if (outcome.kind === 'ambiguous') fate.ambiguous++
    if (outcome.kind !== 'delivered') return
    fate.delivered++
    fate.endedAt = now
  }

  #deferred(fate: Fate, at: number, reply: string): void {
    fate.turns++
    // A turn without an attempt does not count; nor may one whose attempts are forgotten, since a reload sent it another way.
    if (fate.lastReply !== undefined) fate.mostAttempt++
    if (fate.lastReply === reply) fate.leastAttempt++
    fate.lastReply = undefined
    fate.nextAttemptAt = at
    const now = Date.now()
    if (!this.times.mayWait(fate.envelope, fate.forwardPath, fate.turns, at))
      this.#wrong(`${fate.envelope.queueId} is deferred by ${at - now} ms after ${fate.turns} turns`)
  }

  #isStep({ scheduleMs, expireAfterMs }: Retry, acceptedAt: number, turns: number, at: number): boolean {
    return at < acceptedAt + expireAfterMs && isStepOf(scheduleMs, turns, at - Date.now())
  }

  #bounced(fate: Fate, isExpired: boolean): void {
    fate.bounced++
    fate.endedAt = Date.now()
    if (isExpired && !this.times.mayExpire(fate.envelope, fate.forwardPath))
      this.#wrong(`${fate.envelope.queueId} has expired before its time`)
  }

  #reported(queueId: string, dsn: Envelope | undefined): void {
    if (dsn !== undefined) this.#dsns.add(dsn.queueId)
    for (const path of dsn?.reports?.forwardPaths ?? []) this.#of(queueId, path).reported++
  }

  /** The relay ends in the middle: of copies that arrived just now, it has not heard. */
  explain(copies: readonly Copy[]): void {
    for (const [key, taken] of countOf(copies)) {
      const fate = this.#byRecipient.get(key)
      if (fate === undefined) continue
      const { delivered, ambiguous } = fate
      fate.unrecorded = Math.max(fate.unrecorded, taken - delivered - ambiguous)
    }
  }

  /** At a moment when the relay has heard of all copies that arrived. */
  expectExplained(copies: readonly Copy[]): void {
    for (const [key, taken] of countOf(copies)) {
      const { delivered = 0, ambiguous = 0, unrecorded = 0 } = this.#byRecipient.get(key) ?? {}
      if (taken > delivered + ambiguous + unrecorded) this.#wrong(`${key}: ${taken} copies by now`)
    }
  }

  /** Judges all fates at the end, by the copies that arrived. */
  judge(copies: readonly Copy[]): void {
    const taken = countOf(copies)
    for (const [key, fate] of this.#byRecipient) this.#judge(key, fate, taken.get(key) ?? 0)
  }

  #judge(key: string, fate: Fate, copies: number): void {
    const { envelope, delivered, bounced, reported, ambiguous, unrecorded } = fate
    const finished = this.#finished.get(envelope.queueId)
    if (finished !== 1) this.#wrong(`${key} has left ${finished} times`)
    if (delivered + bounced !== 1) this.#wrong(`${key}: ${delivered} times delivered, ${bounced} times bounced`)
    const { least, most } = this.#reportsOn(fate)
    if (reported < least || reported > most) this.#wrong(`${key} was reported ${reported} times`)
    if (copies < delivered || copies > delivered + ambiguous + unrecorded) this.#wrong(`${key}: ${copies} copies`)
  }

  #reportsOn({ envelope, forwardPath, delivered, bounced }: Fate): { readonly least: number; readonly most: number } {
    if (envelope.reversePath === '') return { least: 0, most: 0 }
    const wish = wishFor(envelope, forwardPath)
    const onFailure = wantsFailure(wish) ? bounced : 0
    const onSuccess = wantsSuccess(wish) ? delivered : 0
    return { least: onFailure + (this.mayLoseReports ? 0 : onSuccess), most: onFailure + onSuccess }
  }

  /** The longest time in milliseconds that mail of one credential has waited, counted from `since` at the earliest. */
  longestWaitOf(credential: string, since: number): number {
    const own = [...this.#byRecipient.values()].filter(({ envelope }) => envelope.credential === credential)
    return Math.max(0, ...own.map(({ envelope, endedAt }) => endedAt - Math.max(envelope.acceptedAt, since)))
  }
}

/** How many copies of which message each recipient has. */
function countOf(copies: readonly Copy[]): ReadonlyMap<string, number> {
  const taken = new Map<string, number>()
  const keys = copies.flatMap(({ queueId, forwardPaths }) => forwardPaths.map((path) => `${queueId} ${path}`))
  for (const key of keys) taken.set(key, (taken.get(key) ?? 0) + 1)
  return taken
}

/** Whether it is the wait of a schedule after so many turns, give or take a fifth. */
export function isStepOf(scheduleMs: readonly number[], turns: number, waitMs: number): boolean {
  const step = scheduleMs[Math.min(turns, scheduleMs.length) - 1] ?? 0
  return waitMs >= Math.floor(0.8 * step) && waitMs <= Math.ceil(1.2 * step)
}
