/** Keeps the spool in step with what became of each recipient: the DSN first, then the state; a failed write is repeated. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Events } from '../events.ts'
import { type RecipientState, turnsOf } from '../mail/envelope.ts'
import type { Outcome } from '../mail/outcome.ts'
import { replyLine } from '../mail/reply.ts'
import { wishFor } from '../mail/report-wishes.ts'
import type { Spool } from '../spool/spool.ts'
import { backoffMs } from './backoff.ts'
import { type Decision, decide, type Retry } from './decide.ts'
import type { Failure } from './dsn.ts'
import { isFailure, queueDsn, type Reporter } from './report.ts'
import { isDone, type Tracked } from './tracked.ts'
import type { WaitingSince } from './waiting-since.ts'

/** What became of one recipient of a message. */
export type Result = {
  readonly recipient: number
  readonly outcome: Outcome
  /** A next hop was asked since the recipient had last waited. */
  readonly asked?: boolean
  /** Of this outcome, where one was asked for it. */
  readonly smarthost?: NonNullable<Failure['smarthost']>
}

type LedgerEvents = Pick<Events, 'bounced' | 'deferred' | 'discarded' | 'dsnQueued' | 'finished' | 'unexpected'>
type LedgerParts = Reporter & {
  readonly spool: Spool
  readonly events: LedgerEvents
  /** Steady. */
  readonly now: () => number
  /** The time of day, for people, of a steady time. */
  readonly timeOfDay: (at: number) => number
  readonly waitingSince: Pick<WaitingSince, 'look' | 'of' | 'atTheEarliest'>
  readonly random: () => number
  /** Some recipients wait for their next attempt. */
  readonly onRetry: (message: Tracked, at: number) => void
  /** A write has ended, well or not: memory may let go of the message where the spool knows all of it. */
  readonly onWritten: (message: Tracked) => void
  /** The spool has forgotten the message. */
  readonly onGone: (message: Tracked) => void
  /** A DSN may be delivered now. */
  readonly onDsn: (dsn: Tracked['heldDsns'][number]) => void
  readonly repeatMs?: number | undefined
}

export class Ledger {
  readonly #parts: LedgerParts
  /** Memory is ahead of the spool here, since a write failed, or a DSN found no room. */
  readonly #unwritten = new Set<Tracked>()
  /** Of these, those whose recipients the spool was not told of, and who waits until it is. */
  readonly #behind = new Map<Tracked, (() => void)[]>()
  /** Recipients of all messages who are given up, and whose DSN is not yet durable. */
  #unreported = 0
  #repeating: NodeJS.Timeout | undefined
  #stopped = false

  constructor(parts: LedgerParts) {
    this.#parts = parts
  }

  /** Memory changes at once, so that what is done is never tried again; resolves when the spool has followed, or could not. */
  settle(message: Tracked, results: readonly Result[], retry: Retry): Promise<void> {
    const { now, random, spool, onGone, waitingSince } = this.#parts
    if (!spool.has(message.envelope.queueId)) {
      // Its content was found damaged and set aside: it is nobody's to deliver or to report.
      onGone(message)
      return Promise.resolve()
    }
    waitingSince.look()
    const at = now()
    // One throw of the dice for all: recipients of one message go on together.
    const dice = random()
    const decided = results.map((result) => ({ ...result, decision: this.#decide(message, result, retry, at, dice) }))
    for (const one of decided) this.#apply(message, one)
    this.#tellEnds(message, decided, at)
    this.#defer(message, decided)
    return this.#write(message)
  }

  /** Nothing is left to do for it. */
  close(message: Tracked): Promise<void> {
    return this.#write(message)
  }

  /** Whether anything can be over its time, by the oldest message: soon said, where to look through a long queue takes long. */
  mayBeOver({ expireAfterMs }: Retry): boolean {
    const { spool, now, waitingSince } = this.#parts
    const { oldestAcceptedAt } = spool
    waitingSince.look()
    return oldestAcceptedAt !== undefined && now() - waitingSince.atTheEarliest(oldestAcceptedAt) >= expireAfterMs
  }

  /** Its time in the queue is over. */
  isOver(acceptedAt: number, { expireAfterMs }: Retry): boolean {
    const now = this.#parts.now()
    return now - this.#parts.waitingSince.of(acceptedAt, expireAfterMs, now) >= expireAfterMs
  }

  /** Queue ids of messages of which the spool does not know all that memory does, since a write failed, and of DSNs held by that. */
  get unwritten(): readonly string[] {
    return [...this.#unwritten].flatMap((message) =>
      [message, ...message.heldDsns].map(({ envelope }) => envelope.queueId),
    )
  }

  /** Undefined where the spool knows what became of the message, else resolves when it does: a crash before repeats deliveries. */
  recorded(message: Tracked): Promise<void> | undefined {
    const waiting = this.#behind.get(message)
    return waiting && new Promise((resolve) => waiting.push(resolve))
  }

  /** Last tries for what could not be written: a disk that is just back is found to be so within a second. */
  async stop(forMs: number): Promise<void> {
    const end = performance.now() + forMs
    this.#stopped = true
    clearTimeout(this.#repeating)
    for (;;) {
      await this.#writeAgain()
      if (this.#unwritten.size === 0 || performance.now() >= end) break
      await sleep(lastTriesEveryMs)
    }
  }

  #decide(message: Tracked, { recipient, outcome }: Result, retry: Retry, now: number, dice: number): Decision {
    const { reversePath } = message.envelope
    const acceptedAt = this.#parts.waitingSince.of(message.envelope.acceptedAt, retry.expireAfterMs, now)
    const before = message.recipients[recipient]
    const turns = before === undefined ? 1 : turnsOf(before) + 1
    const wish = wishFor(message.envelope, before?.forwardPath ?? '')
    const decision = decide({ reversePath, wish, acceptedAt, turns, retry }, outcome, now, () => dice)
    if ((decision.do !== 'sendDsn' && decision.do !== 'tell') || this.#hasRoom) return decision
    // It is delivered: to try it again for the sake of its report would deliver it twice.
    if (decision.do === 'tell') return { do: 'remove' }
    // So many reports wait that this one would find no room either: the recipient stays pending, and is given up another time.
    return { do: 'retry', at: now + backoffMs(retry.scheduleMs, turns, () => dice) }
  }

  get #hasRoom(): boolean {
    const { size } = this.#unwritten
    return size < mostUnwritten && (size === 0 || this.#unreported < mostUnreported)
  }

  #apply(message: Tracked, { recipient, outcome, asked = false, decision }: Decided): void {
    const before = message.recipients[recipient]
    message.busy.delete(recipient)
    if (before === undefined) return
    const emptyTurns = (before.emptyTurns ?? 0) + (asked ? 0 : 1)
    message.recipients[recipient] = {
      forwardPath: before.forwardPath,
      state: stateAfter[decision.do],
      attempts: before.attempts + (asked ? 1 : 0),
      ...(emptyTurns > 0 && { emptyTurns }),
      nextAttemptAt: decision.do === 'retry' ? decision.at : before.nextAttemptAt,
      ambiguous: before.ambiguous + (outcome.kind === 'ambiguous' ? 1 : 0),
    }
  }

  /** Of those who are given up, and of those whom a next hop has taken that tells nobody. */
  #tellEnds(message: Tracked, decided: readonly Decided[], now: number): void {
    const { events, timeOfDay } = this.#parts
    const at = timeOfDay(now)
    const { queueId, reversePath } = message.envelope
    for (const { recipient, decision, smarthost } of decided) {
      const state = message.recipients[recipient]
      if (state === undefined || decision.do === 'remove' || decision.do === 'retry') continue
      const { forwardPath, attempts, ambiguous } = state
      if (decision.do !== 'tell') events.bounced(queueId, forwardPath, decision.because, replyLine(decision.last))
      if (decision.do === 'discard') continue
      const told = { forwardPath, recipient, at, ...(smarthost !== undefined && { smarthost }) }
      message.unreported.push(
        decision.do === 'tell'
          ? { ...told, taken: decision.reply }
          : { ...told, attempts, ambiguous, givenUp: decision },
      )
      this.#unreported += 1
    }
    if (decided.some(({ decision }) => decision.do === 'discard'))
      events.discarded(queueId, reversePath === '' ? 'it has the null reverse-path' : 'NOTIFY asks for no report')
  }

  #defer(message: Tracked, decided: readonly Decided[]): void {
    const { events, onRetry, timeOfDay } = this.#parts
    for (const { recipient, decision, outcome } of decided) {
      if (decision.do !== 'retry') continue
      const { forwardPath = '' } = message.recipients[recipient] ?? {}
      events.deferred(message.envelope.queueId, forwardPath, timeOfDay(decision.at), replyLine(outcome.reply))
      onRetry(message, decision.at)
    }
  }

  /** One write at a time for each message, always of the newest state. */
  #write(message: Tracked): Promise<void> {
    message.changed = true
    message.writing ??= this.#writeUntilEqual(message)
    return message.writing
  }

  async #writeUntilEqual(message: Tracked): Promise<void> {
    try {
      while (message.changed) {
        message.changed = false
        await this.#writeOnce(message)
      }
      this.#unwritten.delete(message)
    } catch (error) {
      message.changed = true
      // Behind those that have not been tried again yet.
      this.#unwritten.delete(message)
      this.#unwritten.add(message)
      this.#repeatLater()
      if (this.#parts.spool.fault === undefined) this.#parts.events.unexpected('spool', error)
    } finally {
      message.writing = undefined
      this.#parts.onWritten(message)
    }
  }

  async #writeOnce(message: Tracked): Promise<void> {
    const { spool, events, onGone, onDsn, now, waitingSince } = this.#parts
    const { queueId, acceptedAt } = message.envelope
    const fault = message.unreported.length > 0 ? await this.#report(message) : undefined
    // This write includes what came while the report was written: no other is needed, and a message is removed once.
    if (message.unreported.length === 0) message.changed = false
    const gone = message.unreported.length === 0 && message.recipients.every(isDone)
    try {
      await (gone ? spool.remove(queueId) : spool.record(queueId, asReported(message)))
    } catch (error) {
      if (!this.#behind.has(message)) this.#behind.set(message, [])
      throw error
    }
    if (!message.changed) this.#tellRecorded(message)
    if (message.heldDsns.length > 0) for (const dsn of message.heldDsns.splice(0)) onDsn(dsn)
    if (gone) {
      message.changed = false
      onGone(message)
      const at = now()
      events.finished(queueId, Math.max(0, at - waitingSince.of(acceptedAt, Number.POSITIVE_INFINITY, at)) / 1000)
    }
    if (fault !== undefined) throw fault
  }

  #tellRecorded(message: Tracked): void {
    if (this.#behind.size === 0) return
    for (const resolve of this.#behind.get(message) ?? []) resolve()
    this.#behind.delete(message)
  }

  /** The fault that kept a report from being queued: its recipients stay pending in the spool, and closed in memory. */
  async #report(message: Tracked): Promise<unknown> {
    try {
      while (message.unreported.length > 0) {
        // Whoever is given up while it is written is in the next one, and not each in one of its own.
        const reported = [...message.unreported]
        const dsn = await queueDsn(this.#parts, message.envelope, reported)
        message.unreported.splice(0, reported.length)
        this.#unreported -= reported.length
        if (dsn === undefined) continue
        message.heldDsns.push(dsn)
        this.#parts.events.dsnQueued(message.envelope.queueId, dsn.envelope.queueId)
      }
      return undefined
    } catch (error) {
      return error ?? new Error('no DSN could be queued')
    }
  }

  #repeatLater(): void {
    if (this.#stopped) return
    this.#repeating ??= setTimeout(() => void this.#repeat(), this.#parts.repeatMs ?? repeatMs).unref()
  }

  async #repeat(): Promise<void> {
    await this.#writeAgain()
    this.#repeating = undefined
    if (this.#unwritten.size > 0) this.#repeatLater()
  }

  /** First what routes wait for. Then reports, a few at a time, until none of them finds room: each is composed before that shows. */
  async #writeAgain(): Promise<void> {
    const messages = [...new Set([...this.#behind.keys(), ...this.#unwritten])]
    for (let first = 0; first < messages.length; first += repeatedAtOnce) {
      const some = messages.slice(first, first + repeatedAtOnce)
      // Who stops the relay does this beside the timer: what the other one writes, or has written, is written once.
      const open = some.filter((message) => this.#unwritten.has(message) || this.#behind.has(message))
      await Promise.all(open.map((message) => message.writing ?? this.#write(message)))
      if (some.every((message) => this.#unwritten.has(message) && !this.#behind.has(message))) return
    }
  }
}

type Decided = Result & { readonly decision: Decision }

const repeatMs = 2000
const repeatedAtOnce = 16
/** So many messages may be kept in memory because the spool does not take what is to be written of them. */
const mostUnwritten = 1000
/** So many recipients wait in memory for their report while one cannot be written: each with what its server said. */
const mostUnreported = 10_000
const lastTriesEveryMs = 250

const stateAfter = {
  remove: 'delivered',
  tell: 'delivered',
  retry: 'pending',
  sendDsn: 'bounced',
  discard: 'bounced',
} as const satisfies Record<Decision['do'], RecipientState['state']>

/**
 * A copy, since memory moves on. Whoever is given up, and whose DSN is not durable, is still pending: after a crash it is reported
 * again. Who is delivered is not: a report may get lost, and no copy is made for its sake.
 */
function asReported({ recipients, unreported }: Tracked): readonly RecipientState[] {
  if (unreported.length === 0) return [...recipients]
  const open = new Set(unreported.filter(isFailure).map(({ recipient }) => recipient))
  return recipients.map((state, i) => (open.has(i) ? { ...state, state: 'pending' } : state))
}
