/**
 * Counts what each credential with limits and each throttle has handed out here, and keeps the day's count over a restart; what a store has
 * said of the whole fleet is known too, and while it says nothing, each relay hands out its share of what was left then.
 */
import type { RelayConfig } from '../config.ts'
import type { Events } from '../events.ts'
import type { CredentialUsage, RelayUsage } from '../http.ts'
import type { Refusal } from '../mail/rule.ts'
import type { QuotaUse } from '../metrics.ts'
import {
  allowanceOf,
  type Counted,
  isApproaching,
  isLimited,
  judgeLimits,
  type LimitFacts,
  roomInMessage,
  type Taken,
  takenBy,
} from '../rules/limits.ts'
import { dayFrom, dayKept, type NamedDay, namedDay } from '../rules/named-day.ts'
import { atRate, type Earned } from '../rules/rate.ts'
import type { Place } from '../rules/share.ts'
import { isThrottle } from '../rules/throttles.ts'
import { type Day, dayAt, restOfDayMs } from '../rules/utc-day.ts'
import { dayOfStore, type QuotaFile } from './quota-file.ts'
import type { Answer } from './quota-script.ts'

/** What a store has said last, of the day of the account. */
type Heard = {
  /** Recipients of all relays, and this one's among them. */
  readonly total: number
  readonly own: number
  /** Of the fleet's rate. */
  readonly earned: Earned | undefined
  /** On the monotonic clock. */
  readonly at: number
}

type Account = {
  day: number
  /** By this relay. */
  taken: Taken
  heard: Heard | undefined
  /** What the file says of the day: as much as this may be handed out without another word to it. */
  reserved: number
  toldOf: boolean
  lastRefusal: CredentialUsage['lastRefusal']
}

type Parts = {
  readonly events: Pick<Events, 'quotaApproaching'>
  /** Absent: a restart forgets. */
  readonly file?: QuotaFile
  /** Which one of the fleet's relays this is, from 0. */
  readonly index?: number | undefined
  readonly sharing: () => RelayConfig['sharing']
  /** Whether a store answers: then it says of each credential which day it is. */
  readonly storeAnswers?: () => boolean
  /** Milliseconds since the epoch. */
  readonly wall?: () => number
  readonly monotonic?: () => number
}

/** Where its limits do not matter they may be unknown. */
type Named = { readonly name: string; readonly limits?: Counted['limits'] | undefined }

/** The file is told this often in a day, and a crash wastes as little of it. */
const piecesOfDay = 100
/** More series than anybody looks at. */
const mostRatios = 100
/** For so long, what the fleet has used of a day is believed to be all that it has: another relay may give back. */
const freshMs = 1000
/** The end of a day is not written again for less. */
const driftMs = 1000
/** Who counts for all of them has all to hand out. */
const whole: Place = { relays: 1, index: 0 }

export class Allowances {
  readonly #parts: Parts
  readonly #wall: () => number
  readonly #monotonic: () => number
  readonly #accounts = new Map<string, Account>()
  /** By the wall clock. */
  #day: Day | undefined
  /** By the store's last word of it. */
  #named: NamedDay | undefined

  constructor(parts: Parts) {
    this.#parts = parts
    this.#wall = parts.wall ?? Date.now
    this.#monotonic = parts.monotonic ?? (() => performance.now())
    const kept = parts.file?.get(dayOfStore)
    if (kept === undefined || !this.#hasStore) return
    this.#named = dayKept({ number: kept.day, ends: kept.recipients }, this.#wall(), this.#monotonic())
  }

  /** Whether a message with so many recipients would be refused now; nothing is counted. */
  peek(credential: Counted, recipients: number): Refusal | undefined {
    const account = this.#account(credential.name)
    const facts = this.#byStore
      ? this.#fleetFacts(credential, account, recipients)
      : this.#facts(credential, account, recipients)
    return this.#noted(account, judgeLimits(facts))
  }

  /** Whether a message that has so many recipients already may have one more. */
  room(credential: Counted, accepted: number): Refusal | undefined {
    const account = this.#account(credential.name)
    const allowance = this.#byStore ? allowanceOf(credential.limits, whole) : this.#allowance(credential, account)
    return this.#noted(account, roomInMessage(credential.limits, allowance, accepted))
  }

  /** Counts them all, or none and says why. */
  take(credential: Counted, recipients: number): Refusal | undefined {
    const account = this.#account(credential.name)
    const facts = this.#facts(credential, account, recipients)
    const refused = judgeLimits(facts)
    if (refused) return this.#noted(account, refused)
    account.taken = { ...takenBy(facts), today: Math.max(0, account.taken.today + recipients) }
    this.#reserve(credential, account, facts.allowance.daily)
    this.#tell(credential, account)
    return undefined
  }

  /** What a store is told of a credential; `certain`: it has said itself on that day how much it knew. */
  standing(name: string): { readonly day: number; readonly own: number; readonly certain: boolean } {
    const { day, taken, heard } = this.#account(name)
    return { day, own: taken.today, certain: heard !== undefined }
  }

  /** Credentials that have used something of the day. */
  inUse(): readonly string[] {
    return [...this.#accounts].flatMap(([name, { taken }]) => (taken.today > 0 && !isThrottle(name) ? [name] : []))
  }

  /** What a store has answered, who was told `told`: messages that it granted are among it. */
  hear({ name, limits }: Named, told: Pick<Answer, 'day' | 'own'>, answer: Answer): void {
    const account = this.#account(name)
    const now = this.#monotonic()
    // Given back, or handed out without the store, since it was asked.
    const since = account.day === told.day ? account.taken.today - told.own : 0
    if (answer.day > account.day) Object.assign(account, { toldOf: false, reserved: 0 })
    account.day = answer.day
    account.taken = { ...account.taken, today: answer.own + since }
    const rate = limits?.rate
    const earned = rate && { at: now + answer.owedMs, intervalMs: rate.perMs / rate.count }
    account.heard = { total: answer.total, own: answer.own, earned: earned ?? account.heard?.earned, at: now }
    this.#named = namedDay(answer.day, answer.restOfDayMs, now)
    this.#keepDay(this.#named, now)
    this.#keep(name, account, limits?.daily)
    if (limits !== undefined) this.#tell({ name, limits }, account)
  }

  /** The last refusal of a credential is told to its owner. */
  note({ name }: Counted, refused: Refusal): Refusal {
    return this.#noted(this.#account(name), refused) ?? refused
  }

  /** The message was not kept after all. What it took of a credential's rate is earned anew soon; a throttle is many's. */
  giveBack(counted: Counted, recipients: number): void {
    if (isThrottle(counted.name)) {
      this.take(counted, -recipients)
      return
    }
    const account = this.#account(counted.name)
    account.taken = { ...account.taken, today: Math.max(0, account.taken.today - recipients) }
  }

  /** Of the credentials in this configuration; of others nothing is remembered when it counts no more. */
  usage({ credentials }: RelayConfig): Pick<RelayUsage, 'day' | 'credentials'> {
    const day = this.#today().number
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

  /** Of those that have used most. */
  ratios({ credentials }: RelayConfig): readonly QuotaUse[] {
    const daily = credentials.filter(isLimited).filter(({ limits }) => limits.daily !== undefined)
    return daily
      .map((credential) => {
        const { today, of } = this.#used(credential, this.#account(credential.name))
        return { credential: credential.name, ratio: of === 0 ? 1 : today / of }
      })
      .toSorted((a, b) => b.ratio - a.ratio)
      .slice(0, mostRatios)
  }

  /** When the file knows of all that was handed out until now; undefined: it does. */
  get written(): Promise<void> | undefined {
    return this.#parts.file?.written
  }

  /** After this, a restart goes on from the very count. */
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

  /** This relay's share: of what was left when the store last said so, else of the whole. */
  #allowance({ limits }: Pick<Counted, 'limits'>, { heard }: Account) {
    const { sharing, index } = this.#parts
    return allowanceOf(limits, { relays: sharing()?.relays ?? 1, index }, heard?.total)
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

  /** Of the whole fleet. What it has taken of a rate is at least what was said, so that is never believed for too long. */
  #fleetFacts(credential: Counted, account: Account, recipients: number): LimitFacts {
    const asked = this.#factsOf(credential, recipients)
    const allowance = allowanceOf(credential.limits, whole)
    const { heard } = account
    // Of another rate the store is asked anew: what is owed is earned at this one from when it has heard of it.
    const isOfRate = allowance.rate && atRate(allowance.rate, heard?.earned, asked.now) === heard?.earned
    const earned = isOfRate ? heard?.earned : undefined
    const isFresh = heard !== undefined && asked.now - heard.at < freshMs
    const taken = { today: isFresh ? this.#used(credential, account).today : 0, earned }
    return { ...asked, allowance, taken }
  }

  #factsOf({ limits }: Counted, recipients: number): Pick<LimitFacts, 'limits' | 'recipients' | 'now' | 'restOfDayMs'> {
    return { limits, recipients, now: this.#monotonic(), restOfDayMs: this.#today().restMs }
  }

  /** The day's recipients that are used, and of how many: the fleet's where a store has said so, else this relay's. */
  #used(credential: Pick<Counted, 'limits'>, account: Account): { readonly today: number; readonly of: number } {
    const { heard, taken } = account
    return heard === undefined
      ? { today: taken.today, of: this.#allowance(credential, account).daily }
      : { today: heard.total + taken.today - heard.own, of: credential.limits.daily ?? Number.POSITIVE_INFINITY }
  }

  /** By the store where it has named a day, whoever answers now: else each of its absences would be a day of our own. */
  #today(): { readonly number: number; readonly restMs: number } {
    const now = this.#monotonic()
    this.#day = dayAt(this.#day, this.#wall(), now)
    const named = this.#named && dayFrom(this.#named, now)
    // Nobody will name a day any more; the one that was named is not left before it is over.
    if (named?.number !== this.#named?.number && !this.#hasStore) this.#named = undefined
    return named === undefined || this.#named === undefined
      ? { number: this.#day.number, restMs: restOfDayMs(this.#day) }
      : { number: named.number, restMs: named.ends - now }
  }

  /** Who starts while the store is away has its own clock alone, and is to know by how much that is wrong. */
  #keepDay({ number, ends }: NamedDay, now: number): void {
    const { file } = this.#parts
    const kept = file?.get(dayOfStore)
    const byWall = Math.max(0, Math.round(this.#wall() + ends - now))
    if (kept?.day === number && Math.abs(kept.recipients - byWall) < driftMs) return
    file?.note(dayOfStore, { day: number, recipients: byWall })
  }

  get #hasStore(): boolean {
    return this.#parts.sharing()?.store !== undefined
  }

  #account(name: string): Account {
    const day = this.#today().number
    const known = this.#accounts.get(name)
    if (known?.day === day || (known?.heard !== undefined && this.#byStore)) return known
    const account = known === undefined ? this.#remembered(name, day) : renewed(known, day)
    this.#accounts.set(name, account)
    return account
  }

  /** As long as the file keeps it, a day may be asked for again; what is earned is as if it had never been taken. */
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
    const rest = { reserved: used.recipients, toldOf: false, heard: undefined, lastRefusal: undefined }
    return renewed({ day: used.day, taken, ...rest }, day)
  }

  #reserve({ name, limits }: Counted, account: Account, share: number): void {
    const { today } = account.taken
    if (limits.daily === undefined || today <= account.reserved) return
    const most = share + (account.heard?.own ?? 0)
    account.reserved = Math.min(most, today + Math.floor(share / piecesOfDay))
    this.#parts.file?.note(name, { day: account.day, recipients: account.reserved })
  }

  /** A store keeps the very count, so the file is only to know about how much, should the store lose it. */
  #keep(name: string, account: Account, daily: number | undefined): void {
    const { today } = account.taken
    const unwritten = today - account.reserved
    if (daily === undefined || (unwritten >= 0 && unwritten < Math.max(1, daily / piecesOfDay))) return
    account.reserved = today
    this.#parts.file?.note(name, { day: account.day, recipients: today })
  }

  #tell(credential: Named & Pick<Counted, 'limits'>, account: Account): void {
    const { name, limits } = credential
    if (account.toldOf || limits.daily === undefined) return
    const { today, of } = this.#used(credential, account)
    if (!isApproaching(limits, today, of)) return
    account.toldOf = true
    this.#parts.events.quotaApproaching(name, today, of)
  }

  #noted(account: Account, refused: Refusal | undefined): Refusal | undefined {
    if (refused === undefined) return undefined
    const at = new Date(this.#wall()).toISOString()
    account.lastRefusal = { rule: refused.rule, code: refused.reply.code, at }
    return refused
  }
}

/** A new day begins with nothing used. A day that is earlier than the known one is no new day: a clock was set back. */
const renewed = (account: Account, day: number): Account =>
  account.day < day
    ? { ...account, day, taken: { ...account.taken, today: 0 }, heard: undefined, reserved: 0, toldOf: false }
    : { ...account, day }
