/**
 * What two relays together may hand out of limits, as decisions 0030, 0046 and 0047 promise it, and not as relay/limits/ counts: a day's
 * recipients as a sum, a rate as a bucket that fills.
 */
import type { Heard } from './plain-store.ts'

/** Recipients that may be taken at once, which come back one in each interval. */
export class Bucket {
  readonly #burst: number
  readonly #intervalMs: number
  #left: number
  #at: number

  constructor(burst: number, intervalMs: number, now: number, left = burst) {
    this.#burst = burst
    this.#intervalMs = intervalMs
    this.#left = left
    this.#at = now
  }

  copy(): Bucket {
    return new Bucket(this.#burst, this.#intervalMs, this.#at, this.#left)
  }

  left(now: number): number {
    this.#left = Math.min(this.#burst, this.#left + (now - this.#at) / this.#intervalMs)
    this.#at = now
    return this.#left
  }

  /** Errors of rounding are no recipients. */
  has(count: number, now: number): boolean {
    return count <= this.left(now) + 1e-6
  }

  waitMs(count: number, now: number): number {
    return Math.max(0, (count - this.left(now)) * this.#intervalMs)
  }

  owedMs(now: number): number {
    return (this.#burst - this.left(now)) * this.#intervalMs
  }

  take(count: number, now: number): void {
    this.#left = Math.min(this.#burst, this.left(now) - count)
  }
}

/** One thing that a message is counted by. */
export type Count = {
  /** By which the store knows it. */
  readonly name: string
  readonly answer: '450 throttles' | '450 credential.limits.rate'
  readonly daily: number | undefined
  readonly rate: number | undefined
  readonly burst: number
  readonly action: 'Reject' | 'Audit'
}
export type Judge = 'store' | 'share'

const dayMs = 86_400_000
const rateMs = 60_000

export class Ledger {
  readonly #relays: number
  readonly #now: () => number
  readonly #heard: (relay: number, name: string) => Heard | undefined
  /** By day, count and relay: what each has accepted and not given back. */
  readonly #taken = new Map<string, number>()
  readonly #buckets = new Map<string, Bucket>()
  /** There may be more of a rate than the relays have heard: somebody has given back, or the store has forgotten. */
  #mayBeMore = false

  constructor(relays: number, now: () => number, heard: (relay: number, name: string) => Heard | undefined) {
    this.#relays = relays
    this.#now = now
    this.#heard = heard
  }

  get day(): number {
    return Math.floor(this.#now() / dayMs)
  }

  taken(relay: number, name: string): number {
    return this.#taken.get(`${this.day} ${relay} ${name}`) ?? 0
  }

  total(name: string): number {
    return Array.from({ length: this.#relays }, (_, relay) => this.taken(relay, name)).reduce((a, b) => a + b, 0)
  }

  /** The store has lost what was taken of the rates that it counts. */
  forget(): void {
    this.#mayBeMore = true
    for (const key of this.#buckets.keys()) if (key.startsWith('store ')) this.#buckets.delete(key)
  }

  /** Which limit so many recipients exceed now; undefined: none. */
  over(by: Judge, relay: number, count: Count, recipients: number): string | undefined {
    if (this.#isOverDay(by, relay, count, recipients)) return '450 credential.limits.daily'
    return this.#isOverRate(by, relay, count, recipients) ? count.answer : undefined
  }

  /**
   * By what a relay may refuse a message before it has come, since the store has told it so: of a day that holds for a second, and of a
   * rate until it is earned, though another relay may have given back, or the store forgotten, meanwhile.
   */
  mayBeOver(relay: number, count: Count, recipients: number): readonly string[] {
    const { name, daily, rate, answer } = count
    const heard = this.#heard(relay, name)
    const wasOver = daily !== undefined && heard !== undefined && recipients > daily - heard.total
    const byDay = (wasOver && this.#now() - heard.at < 1_000) || this.#isOverDay('store', relay, count, recipients)
    const byRate = (this.#mayBeMore && rate !== undefined) || this.#isOverRate('store', relay, count, recipients)
    return [...(byDay ? ['450 credential.limits.daily'] : []), ...(byRate ? [answer] : [])]
  }

  #isOverDay(by: Judge, relay: number, { name, daily }: Count, recipients: number): boolean {
    return daily !== undefined && recipients > this.#left(by, relay, name, daily)
  }

  #isOverRate(by: Judge, relay: number, count: Count, recipients: number): boolean {
    return count.rate !== undefined && !this.#bucket(by, relay, count).has(recipients, this.#now())
  }

  /** Which limit one more recipient of a message exceeds that has so many already: it would be refused for ever (452). */
  full(by: Judge, relay: number, { name, daily, rate, burst, answer }: Count, accepted: number): string | undefined {
    if (accepted === 0) return undefined
    const heard = this.#heard(relay, name)
    const most =
      daily === undefined
        ? Infinity
        : by === 'store'
          ? daily
          : this.#share(Math.max(0, daily - (heard?.total ?? 0)), relay)
    if (accepted >= most) return '452 credential.limits.daily'
    const atOnce = rate === undefined ? Infinity : by === 'store' ? burst : Math.max(1, this.#share(burst, relay))
    return accepted >= atOnce ? answer.replace('450', '452') : undefined
  }

  /** What comes of a message: the limits that refuse it, and those that it is counted by where none does. One in Audit lets it pass uncounted. */
  judge(by: Judge, relay: number, counts: readonly Count[], recipients: number) {
    const judged = counts.map((count) => ({ count, over: this.over(by, relay, count, recipients) }))
    const over = judged.flatMap(({ count, over: its }) => (its !== undefined && count.action === 'Reject' ? [its] : []))
    const passed = judged.flatMap(({ count, over: its }) => (its === undefined ? [count] : []))
    return { over: over.slice(0, 1), passed }
  }

  take(by: Judge, relay: number, count: Count, recipients: number): void {
    const key = `${this.day} ${relay} ${count.name}`
    this.#taken.set(key, Math.max(0, (this.#taken.get(key) ?? 0) + recipients))
    if (count.rate !== undefined) this.#bucket(by, relay, count).take(recipients, this.#now())
  }

  /** The store has taken a message off its rate, and nobody heard that. */
  lose(count: Count, recipients: number): void {
    if (count.rate !== undefined) this.#bucket('store', 0, count).take(recipients, this.#now())
  }

  /** A message was not kept: the day gets its recipients back, and of rates only a throttle's does, which others share. */
  giveBack(by: Judge, relay: number, count: Count, recipients: number): void {
    const { rate: _, ...others } = count
    this.#mayBeMore = true
    this.take(by, relay, count.answer === '450 throttles' ? count : { ...others, rate: undefined }, -recipients)
  }

  /** Of a day: with the store what nobody has taken, else this relay's share of what was left when it last heard. */
  #left(by: Judge, relay: number, name: string, daily: number): number {
    if (by === 'store') return daily - this.total(name)
    const { total = 0, own = 0 } = this.#heard(relay, name) ?? {}
    return this.#share(Math.max(0, daily - total), relay) - (this.taken(relay, name) - own)
  }

  #share(whole: number, relay: number): number {
    return Math.floor(whole / this.#relays) + (relay < whole % this.#relays ? 1 : 0)
  }

  #bucket(by: Judge, relay: number, { name, rate = 1, burst }: Count): Bucket {
    const key = by === 'store' ? `store ${name}` : `${relay} ${name}`
    const intervalMs = rateMs / rate
    const [atOnce, earns] =
      by === 'store' ? [burst, intervalMs] : [Math.max(1, this.#share(burst, relay)), intervalMs * this.#relays]
    const bucket = this.#buckets.get(key) ?? new Bucket(atOnce, earns, this.#now())
    this.#buckets.set(key, bucket)
    return bucket
  }
}
