/** When mail may expire, and how long it may wait, in true time while clocks are set: what case S23 promises, said anew. */
import type { RouteConfig } from '../../../relay/config.ts'
import { type RecipientState, turnsOf } from '../../../relay/mail/envelope.ts'
import { isStepOf } from './fates.ts'

type Retry = RouteConfig['retry']
/** A clock that is set by less does not matter. */
const minute = 60_000
/** When a relay starts, its clock may be wrong by so much, and mail may be over its time for so long. */
const hour = 3_600_000
/** Nobody waits longer for a next hop that asked for less. */
const throttledMs = 600_000

/** The longest wait of any schedule here, and a fifth of it. */
const longestWaitMs = 1.2 * hour

/** A moment, by how much the clock was wrong, and how often it had been set. */
type Moment = { readonly at: number; readonly wrongBy: number; readonly settings: number }

export class PromisedTimes {
  /** By how much the clock was wrong from each setting on, the latest last. */
  readonly #settings: number[] = [0]
  readonly #accepted = new Map<string, Moment>()
  #began: Moment = this.#now()

  get wrongBy(): number {
    return this.#settings.at(-1) ?? 0
  }

  readonly wall = (): number => Date.now() + this.wrongBy
  /** As of a process that knows only when it began. */
  readonly monotonic = (): number => 5000 + Date.now() - this.#began.at

  set(wrongBy: number): void {
    this.#settings.push(wrongBy)
  }

  processBegins(): void {
    this.#began = this.#now()
  }

  accepted(queueId: string): void {
    this.#accepted.set(queueId, this.#now())
  }

  acceptedAt(queueId: string): number {
    return this.#of(queueId).at
  }

  /** Whether this process may say that its clock was set. */
  get hasStepped(): boolean {
    return this.#spreadSince(this.#began) > minute
  }

  /** Whether the clock was not set since the message came, nor since this process began. */
  isTrueFor(queueId: string): boolean {
    const accepted = this.#of(queueId)
    return this.#spreadSince(accepted.settings < this.#began.settings ? accepted : this.#began) === 0
  }

  /**
   * When those who wait are due in a process that begins: it believes only a time that mail can be waiting for, when it looks at the
   * message, which it does when the first of them is due, or at once; and nobody waits who has had no turn.
   */
  dueAts(recipients: readonly RecipientState[]): readonly RecipientState[] {
    const now = Date.now()
    const trueOf = ({ nextAttemptAt }: RecipientState): number => nextAttemptAt - this.wrongBy
    const isBelieved = (state: RecipientState, looked: number): boolean =>
      turnsOf(state) > 0 && trueOf(state) <= looked + longestWaitMs
    const left = recipients.filter(({ state }) => state === 'pending')
    const [first] = left.toSorted((a, b) => trueOf(a) - trueOf(b))
    const allWait = first !== undefined && isBelieved(first, now) && left.every((one) => turnsOf(one) > 0)
    const looked = allWait ? Math.max(now, trueOf(first)) : now
    return recipients.map((state) => {
      const at = trueOf(state)
      return { ...state, nextAttemptAt: isBelieved(state, looked) ? at : Math.min(at, looked) }
    })
  }

  mayExpire(queueId: string, { expireAfterMs }: Retry): boolean {
    return Date.now() >= this.#soonestEnd(queueId, expireAfterMs)
  }

  mayWait(queueId: string, { scheduleMs, expireAfterMs }: Retry, turns: number, at: number): boolean {
    const wait = at - Date.now()
    const step = scheduleMs[Math.min(turns, scheduleMs.length) - 1] ?? 0
    const isWhole = isStepOf(scheduleMs, turns, wait) || (wait === throttledMs && step * 1.2 >= throttledMs)
    const isCut = wait <= Math.ceil(1.2 * step) && at >= this.#soonestEnd(queueId, expireAfterMs)
    return (isWhole || isCut) && at <= this.#latestEnd(queueId, expireAfterMs)
  }

  /**
   * The end of its time in the queue counts from acceptance; in a process that could not have let it wait for so long, or that finds
   * it accepted in the future, from the start of that process.
   */
  #soonestEnd(queueId: string, expireAfterMs: number): number {
    const accepted = this.#of(queueId)
    const began = this.#began
    const unnoticed = Math.min(minute, this.#spreadSince(began))
    if (this.#isOfThisProcess(accepted)) return accepted.at + expireAfterMs - unnoticed
    const age = began.at + began.wrongBy - (accepted.at + accepted.wrongBy)
    const isBelieved = age >= -hour && age <= expireAfterMs + hour
    // What seems to come from the future may be taken for mail of a later setting, which is nearer to the truth, and never before it.
    const told = age < 0 ? Math.min(0, age + this.#spreadSince(began)) : age
    return began.at + expireAfterMs - unnoticed - (isBelieved ? told : 0)
  }

  /** Where its clock was set, no relay can tell times apart that it has shown twice: mail waits longer then, and never shorter. */
  #latestEnd(queueId: string, expireAfterMs: number): number {
    const accepted = this.#of(queueId)
    if (this.isTrueFor(queueId)) return this.#soonestEnd(queueId, expireAfterMs)
    if (this.#isOfThisProcess(accepted)) return accepted.at + expireAfterMs + this.#spreadSince(this.#began)
    const ahead = Math.max(0, accepted.at + accepted.wrongBy - (this.#began.at + this.#began.wrongBy))
    return this.#began.at + expireAfterMs + ahead + this.#spreadSince(this.#began)
  }

  /** In one millisecond a message may come, the clock be set, and a process begin. */
  #isOfThisProcess({ at, settings }: Moment): boolean {
    return settings === this.#began.settings ? at >= this.#began.at : settings > this.#began.settings
  }

  /** How far the clock was set to and fro since then. */
  #spreadSince({ settings }: Moment): number {
    const since = this.#settings.slice(settings)
    return Math.max(...since) - Math.min(...since)
  }

  #now(): Moment {
    return { at: Date.now(), wrongBy: this.wrongBy, settings: this.#settings.length - 1 }
  }

  #of(queueId: string): Moment {
    const accepted = this.#accepted.get(queueId)
    if (accepted === undefined) throw new Error(`${queueId} was never accepted`)
    return accepted
  }
}
