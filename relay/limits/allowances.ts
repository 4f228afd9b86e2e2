/** Counts what each credential with limits has handed out here, and keeps the day's count over a restart. */
import type { RelayConfig } from '../config.ts'
import type { Events } from '../events.ts'
import type { CredentialUsage, RelayUsage } from '../http.ts'
import type { Refusal } from '../mail/rule.ts'
import type { QuotaUse } from '../metrics.ts'
import {
  allowanceOf,
  isApproaching,
  isLimited,
  judgeLimits,
  type Limited,
  type LimitFacts,
  roomInMessage,
  type Taken,
  takenBy,
} from '../rules/limits.ts'
import { type Day, dayAt, restOfDayMs } from '../rules/utc-day.ts'
import type { QuotaFile } from './quota-file.ts'

type Account = {
  day: number
  taken: Taken
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
  /** Milliseconds since the epoch. */
  readonly wall?: () => number
  readonly monotonic?: () => number
}

/** The file is told this often in a day, and a crash wastes as little of it. */
const piecesOfDay = 100
/** More series than anybody looks at. */
const mostRatios = 100

export class Allowances {
  readonly #parts: Parts
  readonly #wall: () => number
  readonly #monotonic: () => number
  readonly #accounts = new Map<string, Account>()
  #day: Day | undefined

  constructor(parts: Parts) {
    this.#parts = parts
    this.#wall = parts.wall ?? Date.now
    this.#monotonic = parts.monotonic ?? (() => performance.now())
  }

  /** Whether a message with so many recipients would be refused now; nothing is counted. */
  peek(credential: Limited, recipients: number): Refusal | undefined {
    const account = this.#account(credential.name)
    return this.#noted(account, judgeLimits(this.#facts(credential, account, recipients)))
  }

  /** Whether a message that has so many recipients already may have one more. */
  room(credential: Limited, accepted: number): Refusal | undefined {
    return roomInMessage(credential.limits, this.#allowance(credential), accepted)
  }

  /** Counts them all, or none and says why. */
  take(credential: Limited, recipients: number): Refusal | undefined {
    const account = this.#account(credential.name)
    const facts = this.#facts(credential, account, recipients)
    const refused = judgeLimits(facts)
    if (refused) return this.#noted(account, refused)
    account.taken = takenBy(facts)
    this.#reserve(credential, account, facts.allowance.daily)
    this.#tell(credential, account, facts.allowance.daily)
    return undefined
  }

  /** The message was not kept after all, by a fault of ours. What it took of a rate is earned anew soon. */
  giveBack({ name }: Limited, recipients: number): void {
    const account = this.#account(name)
    account.taken = { ...account.taken, today: Math.max(0, account.taken.today - recipients) }
  }

  usage({ credentials }: RelayConfig): Pick<RelayUsage, 'day' | 'credentials'> {
    const limited = credentials.filter(isLimited)
    const told = limited.flatMap(({ name }): readonly CredentialUsage[] => {
      const { taken, lastRefusal } = this.#account(name)
      if (taken.today === 0 && lastRefusal === undefined) return []
      return [{ name, today: taken.today, ...(lastRefusal !== undefined && { lastRefusal }) }]
    })
    return { day: this.#today().number, credentials: told }
  }

  /** Of those that have used most. */
  ratios({ credentials }: RelayConfig): readonly QuotaUse[] {
    const daily = credentials.filter(isLimited).filter(({ limits }) => limits.daily !== undefined)
    return daily
      .map((credential) => {
        const { daily: share } = this.#allowance(credential)
        const { today } = this.#account(credential.name).taken
        return { credential: credential.name, ratio: share === 0 ? 1 : today / share }
      })
      .toSorted((a, b) => b.ratio - a.ratio)
      .slice(0, mostRatios)
  }

  /** After this, a restart goes on from the very count. */
  close(): void {
    const { file } = this.#parts
    if (file === undefined) return
    for (const [name, { day, taken }] of this.#accounts) file.note(name, { day, recipients: taken.today })
    file.close()
  }

  #allowance({ limits }: Limited) {
    const { sharing, index } = this.#parts
    return allowanceOf(limits, { relays: sharing()?.relays ?? 1, index })
  }

  #facts(credential: Limited, { taken }: Account, recipients: number): LimitFacts {
    const allowance = this.#allowance(credential)
    const rest = restOfDayMs(this.#day ?? this.#today())
    return { limits: credential.limits, allowance, taken, recipients, now: this.#monotonic(), restOfDayMs: rest }
  }

  #today(): Day {
    this.#day = dayAt(this.#day, this.#wall(), this.#monotonic())
    return this.#day
  }

  #account(name: string): Account {
    const day = this.#today().number
    const known = this.#accounts.get(name)
    if (known?.day === day) return known
    const account = known === undefined ? this.#remembered(name, day) : renewed(known, day)
    this.#accounts.set(name, account)
    return account
  }

  #remembered(name: string, day: number): Account {
    const used = this.#parts.file?.get(name) ?? { day, recipients: 0 }
    const taken = { today: used.recipients, earned: undefined }
    return renewed({ day: used.day, taken, reserved: used.recipients, toldOf: false, lastRefusal: undefined }, day)
  }

  #reserve({ name, limits }: Limited, account: Account, share: number): void {
    const { today } = account.taken
    if (limits.daily === undefined || today <= account.reserved) return
    account.reserved = Math.min(share, today + Math.floor(share / piecesOfDay))
    this.#parts.file?.note(name, { day: account.day, recipients: account.reserved })
  }

  #tell({ name, limits }: Limited, account: Account, share: number): void {
    const { today } = account.taken
    if (account.toldOf || limits.daily === undefined || !isApproaching(limits, today, share)) return
    account.toldOf = true
    this.#parts.events.quotaApproaching(name, today, share)
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
    ? { ...account, day, taken: { ...account.taken, today: 0 }, reserved: 0, toldOf: false }
    : { ...account, day }
