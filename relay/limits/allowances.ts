/**
 * Counts what this relay has handed out of each credential's limits and of each throttle, and keeps the day's count over a
 * restart. It also remembers what a store has last said of the whole fleet: while the store is away, each relay hands out its
 * share of what was left.
 */
import type { RelayConfig } from '../config.ts'
import type { Events } from '../events.ts'
import type { CredentialUsage, RelayUsage } from '../http.ts'
import type { Refusal } from '../mail/rule.ts'
import type { QuotaUse } from '../metrics.ts'
import {
  allowanceOf,
  type Counted,
  earnedAfter,
  isApproaching,
  isLimited,
  judgeLimits,
  type LimitFacts,
  roomInMessage,
  type Taken,
} from '../rules/limits.ts'
import { atRate, type Earned } from '../rules/rate.ts'
import { isAboutToLeave, type Place, wholeFleet } from '../rules/share.ts'
import { isThrottle } from '../rules/throttles.ts'
import { CurrentDay } from './current-day.ts'
import type { QuotaFile } from './quota-file.ts'
import type { Answer } from './quota-script.ts'

/** What a store has said last about the day of the account. */
type Heard = {
  /** Recipients of all relays together, and those of this one among them. */
  readonly total: number
  readonly own: number
  /** What the whole fleet has taken of the rate. */
  readonly earned: Earned | undefined
  /** When it said so; milliseconds of the monotonic clock. */
  readonly at: number
}

/** What is known of one credential or throttle. */
type Account = {
  /** Days since the epoch. */
  day: number
  /** Taken by this relay. */
  taken: Taken
  heard: Heard | undefined
  /** The day's recipients that the file says are used: up to this number they may be handed out without another write. */
  reserved: number
  /** The limit of the day of which it was logged that it is nearly used up (`warnAt`). */
  toldOf: number | undefined
  lastRefusal: CredentialUsage['lastRefusal']
}

type Parts = {
  readonly events: Pick<Events, 'quotaApproaching'>
  /** Absent: what was counted does not outlive the process. */
  readonly file?: QuotaFile
  /** Which one of the fleet's relays this is, from 0. */
  readonly index?: number | undefined
  readonly sharing: () => RelayConfig['sharing']
  /** Whether a store answers: then it is the store that says which day each credential's count is of. */
  readonly storeAnswers?: () => boolean
  /** Milliseconds since the epoch. */
  readonly wall?: () => number
  readonly monotonic?: () => number
}

/** A credential or throttle, whose limits may be unknown where they do not matter. */
type Named = { readonly name: string; readonly limits?: Counted['limits'] | undefined }

/** The file is written ahead in pieces of a hundredth of the day's recipients; a crash wastes at most one piece. */
const piecesOfDay = 100
/** Of so many credentials the metric has a series: more than anybody looks at. */
const mostRatios = 100
/**
 * For so long the store's last count of the day may refuse a message without asking it again: another relay may have given back.
 */
const freshMs = 1000

export class Allowances {
  readonly #parts: Parts
  readonly #wall: () => number
  readonly #monotonic: () => number
  readonly #accounts = new Map<string, Account>()
  readonly #day: CurrentDay

  constructor(parts: Parts) {
    this.#parts = parts
    this.#wall = parts.wall ?? Date.now
    this.#monotonic = parts.monotonic ?? (() => performance.now())
    const hasStore = () => parts.sharing()?.store !== undefined
    this.#day = new CurrentDay({ file: parts.file, hasStore, wall: this.#wall, monotonic: this.#monotonic })
  }

  /** The refusal that a message with so many recipients would get now; nothing is counted. */
  peek(credential: Counted, recipients: number): Refusal | undefined {
    const account = this.#account(credential.name)
    const facts = this.#byStore
      ? this.#fleetFacts(credential, account, recipients)
      : this.#facts(credential, account, recipients)
    return this.#noted(account, judgeLimits(facts))
  }

  /** The refusal for one more recipient of a message that has `accepted` already. */
  room(credential: Counted, accepted: number): Refusal | undefined {
    const account = this.#account(credential.name)
    const allowance = this.#byStore ? allowanceOf(credential.limits, wholeFleet) : this.#allowance(credential, account)
    return this.#noted(account, roomInMessage(credential.limits, allowance, accepted))
  }

  /** Counts all recipients, or none and says why. */
  take(credential: Counted, recipients: number): Refusal | undefined {
    const account = this.#account(credential.name)
    const facts = this.#facts(credential, account, recipients)
    const refused = judgeLimits(facts)
    if (refused) return this.#noted(account, refused)
    account.taken = { today: Math.max(0, account.taken.today + recipients), earned: earnedAfter(facts) }
    this.#reserve(credential, account, facts.allowance.daily)
    this.#tell(credential, account)
    return undefined
  }

  /**
   * What a store is told of a credential's count here; `certain`: the store has confirmed a count on that day (quota-script.ts).
   */
  standing(name: string): { readonly day: number; readonly own: number; readonly certain: boolean } {
    const { day, taken, heard } = this.#account(name)
    return { day, own: taken.today, certain: heard !== undefined }
  }

  /** The credentials that have used something of the day, or of which the store knows that they had. */
  inUse(): readonly string[] {
    const used = [...this.#accounts].filter(([, { taken, heard }]) => taken.today > 0 || (heard?.own ?? 0) > 0)
    return used.flatMap(([name]) => (isThrottle(name) ? [] : [name]))
  }

  /**
   * Takes over a store's answer to a question in which it was told `told`. The messages that it granted are counted in the
   * answer.
   */
  hear({ name, limits }: Named, told: Pick<Answer, 'day' | 'own'>, answer: Answer): void {
    const account = this.#account(name)
    const now = this.#monotonic()
    // What was given back here, or handed out without the store, between the question and the answer; of a day that is over by the
    // answer, it does not count any more.
    const isOfDay = account.day === told.day && answer.day <= told.day
    const since = isOfDay ? account.taken.today - told.own : 0
    if (answer.day > account.day) Object.assign(account, { toldOf: undefined, reserved: 0 })
    account.day = answer.day
    account.taken = { ...account.taken, today: answer.own + since }
    const rate = limits?.rate
    const earned = rate && { at: now + answer.owedMs, intervalMs: rate.perMs / rate.count }
    account.heard = { total: answer.total, own: answer.own, earned: earned ?? account.heard?.earned, at: now }
    this.#day.name(answer.day, answer.restOfDayMs, now)
    this.#keep(name, account, limits?.daily)
    if (limits !== undefined) this.#tell({ name, limits }, account)
  }

  /** Remembers a refusal that the store has decided as the credential's last one, for /usage. */
  note({ name }: Counted, refused: Refusal): void {
    this.#noted(this.#account(name), refused)
  }

  /** The day that what is counted now is counted for: days since the epoch. */
  dayOf({ name }: Counted): number {
    return this.#account(name).day
  }

  /**
   * A message of this credential was not kept after all; `day`: what it was counted for. Only recipients of a day that is not over
   * come back, since what was taken of its rate is earned anew soon.
   */
  giveBack(counted: Counted, recipients: number, day: number): void {
    const account = this.#account(counted.name)
    if (account.day > day) return
    account.taken = { ...account.taken, today: Math.max(0, account.taken.today - recipients) }
    this.#reserve(counted, account, this.#allowance(counted, account).daily)
  }

  /**
   * What the credentials of this configuration have used today. Counts of others are forgotten here, once they do not matter any
   * more.
   */
  usage({ credentials }: RelayConfig): Pick<RelayUsage, 'day' | 'credentials'> {
    const day = this.#day.today.number
    this.#forget(new Set(credentials.map(({ name }) => name)), day)
    const told = credentials.filter(isLimited).flatMap((credential): readonly CredentialUsage[] => {
      const account = this.#account(credential.name)
      const { taken, lastRefusal, heard } = account
      const isOfToday = account.day === day
      const today = isOfToday ? taken.today : 0
      const fleet = isOfToday && heard !== undefined ? this.#used(credential, account).today : undefined
      if (today === 0 && !fleet && lastRefusal === undefined) return []
      return [
        {
          name: credential.name,
          today,
          ...(fleet !== undefined && { fleet }),
          ...(lastRefusal !== undefined && { lastRefusal }),
        },
      ]
    })
    return { day, credentials: told }
  }

  /** The used part (0 to 1 and above) of the day's recipients, of the `mostRatios` credentials that have used most. */
  ratios({ credentials }: RelayConfig): readonly QuotaUse[] {
    const daily = credentials.filter(isLimited).filter(({ limits }) => limits.daily !== undefined)
    const day = this.#day.today.number
    return daily
      .flatMap((credential) => {
        const account = this.#account(credential.name)
        const { today, of } = this.#used(credential, account)
        // While the store answers, it is what begins the next day of an account, and nobody asks it before the next message.
        const used = account.day < day ? 0 : today
        // That a relay which is about to leave hands out nothing is no limit that is used up.
        if (of === 0 && isAboutToLeave(this.#place)) return []
        return [{ credential: credential.name, ratio: of === 0 ? 1 : used / of }]
      })
      .toSorted((a, b) => b.ratio - a.ratio)
      .slice(0, mostRatios)
  }

  /** Resolves when the file knows of all that was handed out until now; undefined: it does already. */
  get written(): Promise<void> | undefined {
    return this.#parts.file?.written
  }

  /** Writes the exact counts, so that a restart goes on from them and wastes no piece. */
  async close(): Promise<void> {
    const { file } = this.#parts
    if (file === undefined) return
    for (const [name, { day, taken }] of this.#accounts) {
      if (!isThrottle(name)) file.note(name, { day, recipients: taken.today })
    }
    await file.close()
  }

  get #byStore(): boolean {
    return this.#parts.storeAnswers?.() ?? false
  }

  /** This relay's share: of what was left of the day when the store last said so, else of the whole limit. */
  #allowance({ limits }: Pick<Counted, 'limits'>, { heard }: Account) {
    return allowanceOf(limits, this.#place, heard?.total)
  }

  get #place(): Place {
    const { sharing, index } = this.#parts
    return { relays: sharing()?.relays ?? 1, index }
  }

  #facts(credential: Counted, account: Account, recipients: number): LimitFacts {
    const { heard } = account
    const asked = this.#factsOf(credential, recipients)
    const allowance = this.#allowance(credential, account)
    const earned = allowance.rate && atRate(allowance.rate, account.taken.earned, asked.now)
    if (earned !== undefined && earned !== account.taken.earned) account.taken = { ...account.taken, earned }
    const { taken } = account
    return { ...asked, allowance, taken: { ...taken, today: taken.today - (heard?.own ?? 0) } }
  }

  /**
   * The facts by what the store has last said of the whole fleet. The day's count is believed for `freshMs` only. What was taken
   * of a rate needs no such limit: it is a moment until which to wait, and passes by itself.
   */
  #fleetFacts(credential: Counted, account: Account, recipients: number): LimitFacts {
    const asked = this.#factsOf(credential, recipients)
    const allowance = allowanceOf(credential.limits, wholeFleet)
    const { heard } = account
    // The rate has changed since the store was asked: nothing is refused by the old word, and the store is told the new rate.
    const isOfRate = allowance.rate && atRate(allowance.rate, heard?.earned, asked.now) === heard?.earned
    const earned = isOfRate ? heard?.earned : undefined
    const isFresh = heard !== undefined && asked.now - heard.at < freshMs
    const taken = { today: isFresh ? this.#used(credential, account).today : 0, earned }
    return { ...asked, allowance, taken }
  }

  #factsOf({ limits }: Counted, recipients: number): Pick<LimitFacts, 'limits' | 'recipients' | 'now' | 'restOfDayMs'> {
    return { limits, recipients, now: this.#monotonic(), restOfDayMs: this.#day.today.restMs }
  }

  /**
   * The day's recipients that are used (`today`), and of how many (`of`): the fleet's where a store has said so, else this
   * relay's.
   */
  #used(credential: Pick<Counted, 'limits'>, account: Account): { readonly today: number; readonly of: number } {
    const { heard, taken } = account
    return heard === undefined
      ? { today: taken.today, of: this.#allowance(credential, account).daily }
      : { today: heard.total + taken.today - heard.own, of: credential.limits.daily ?? Number.POSITIVE_INFINITY }
  }

  #account(name: string): Account {
    const day = this.#day.today.number
    const known = this.#accounts.get(name)
    if (known?.day === day || (known?.heard !== undefined && this.#byStore)) return known
    const account = known === undefined ? this.#remembered(name, day) : renewed(known, day)
    this.#accounts.set(name, account)
    return account
  }

  /** Forgets accounts of other credentials, whose day the file does not keep any more, and whose rate is all earned. */
  #forget(names: ReadonlySet<string>, day: number): void {
    const now = this.#monotonic()
    for (const [name, account] of this.#accounts) {
      const { earned } = account.taken
      const isOver = account.day < day - 1 && (earned === undefined || earned.at <= now)
      if (isOver && !names.has(name)) this.#accounts.delete(name)
    }
  }

  #remembered(name: string, day: number): Account {
    const used = this.#parts.file?.get(name) ?? { day, recipients: 0 }
    const taken = { today: used.recipients, earned: undefined }
    const rest = { reserved: used.recipients, toldOf: undefined, heard: undefined, lastRefusal: undefined }
    return renewed({ day: used.day, taken, ...rest }, day)
  }

  /** Writes a piece ahead, where more is taken than is written; and what was written for more than a piece that was given back. */
  #reserve({ name, limits }: Counted, account: Account, share: number): void {
    const { today } = account.taken
    const piece = Math.floor(share / piecesOfDay)
    if (limits.daily === undefined || (today <= account.reserved && account.reserved <= today + piece)) return
    const most = share + (account.heard?.own ?? 0)
    account.reserved = Math.max(today, Math.min(most, today + piece))
    this.#parts.file?.note(name, { day: account.day, recipients: account.reserved })
  }

  /** The store keeps the exact count; the file is to know it only roughly, in case that the store loses it. */
  #keep(name: string, account: Account, daily: number | undefined): void {
    const { today } = account.taken
    const unwritten = today - account.reserved
    if (daily === undefined || (unwritten >= 0 && unwritten < Math.max(1, daily / piecesOfDay))) return
    account.reserved = today
    this.#parts.file?.note(name, { day: account.day, recipients: today })
  }

  #tell(credential: Named & Pick<Counted, 'limits'>, account: Account): void {
    const { name, limits } = credential
    if (limits.daily === undefined || account.toldOf === limits.daily) return
    const { today, of } = this.#used(credential, account)
    if (!isApproaching(limits, today, of)) return
    account.toldOf = limits.daily
    this.#parts.events.quotaApproaching(name, today, of)
  }

  #noted(account: Account, refused: Refusal | undefined): Refusal | undefined {
    if (refused === undefined) return undefined
    const at = new Date(this.#wall()).toISOString()
    account.lastRefusal = { rule: refused.rule, code: refused.reply.code, at }
    return refused
  }
}

/** The account on `day`: a later day begins with nothing used. An earlier one is no new day, since a clock was only set back. */
const renewed = (account: Account, day: number): Account =>
  account.day < day
    ? { ...account, day, taken: { ...account.taken, today: 0 }, heard: undefined, reserved: 0, toldOf: undefined }
    : { ...account, day }
