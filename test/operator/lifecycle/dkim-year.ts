/** Simulates a year of a domain's DKIM keys hour by hour, in which the operator crashes, zones lag, servers lie and relays do not listen. */
import type { DkimKey, HeldKey } from '../../../operator/lifecycle/dkim-key.ts'
import type { RecordSighting } from '../../../operator/lifecycle/dkim-line-facts.ts'
import { type DkimObservations, type DkimStep, type DkimWish, dkimStep } from '../../../operator/lifecycle/dkim-step.ts'

const hour = 3_600_000
export const day = 24 * hour

export type Trouble = {
  readonly day: number
  readonly hours: number
  readonly what:
    | 'operator away'
    | 'nobody publishes'
    | 'server silent'
    | 'server lies yes'
    | 'server lies no'
    | 'relay deaf'
    | 'relay silent'
    | 'status lost'
    | 'key Secret lost'
    | 'key Secret unreadable'
    | 'selectors not delegated'
  /** The number of the server or relay that it concerns. */
  readonly whom: number
}

export type Year = {
  readonly wish: DkimWish
  readonly expireAfterMs: number
  readonly troubles: readonly Trouble[]
  readonly dice: () => number
}

/**
 * The keys that an honest server shows, and from when on; and when it forgets those that left the zone. A key is known by its
 * public key, which begins with its selector, since a later key may have the same selector.
 */
type Server = { readonly shows: Map<string, number>; readonly forgets: Map<string, number> }
const selectorOf = (publicKey: string): string => publicKey.slice(0, publicKey.indexOf(' '))
const isRival = (a: string, b: string): boolean => a !== b && selectorOf(a) === selectorOf(b)
type Relay = { signs: readonly string[]; revision: number; mail: Map<string, number> }

const servers = 3
const relays = 2
const begin = Date.parse('2026-01-01T00:00:00Z')

/** How many milliseconds an operator's clock may be off. */
const clockMs = hour

export class DomainYear {
  readonly #year: Year
  #real = begin
  #clockOff = 0
  /** The troubles of this hour. */
  #now: readonly Trouble[] = []
  /** The keys in the status: the newest version, and below it the one before, which a cache may still show. */
  #recorded: readonly DkimKey[] = []
  #cached: readonly DkimKey[] = []
  #held: readonly HeldKey[] = []
  #zone = new Set<string>()
  #written: { readonly signs: readonly string[]; readonly revision: number } = { signs: [], revision: 0 }
  readonly #servers: readonly Server[] = Array.from({ length: servers }, () => ({
    shows: new Map(),
    forgets: new Map(),
  }))
  readonly #relays: readonly Relay[] = Array.from({ length: relays }, () => ({
    signs: [],
    revision: 0,
    mail: new Map(),
  }))
  readonly #lookedAt = new Map<string, RecordSighting>()
  readonly #begun = new Set<string>()
  #made = 0
  readonly faults: string[] = []

  constructor(year: Year) {
    this.#year = year
  }

  /** At the end of the year: how many keys were made, ever signed, are in the Secret, and are in the status. */
  get outcome() {
    return { made: this.#made, signed: this.#begun.size, held: this.#held.length, recorded: this.#recorded.length }
  }

  run(): void {
    for (const end = begin + 365 * day; this.#real < end; this.#real += hour) {
      this.#now = this.#year.troubles.filter((t) => this.#isNow(t, t.hours))
      this.#dns()
      this.#relaysHear()
      this.#mailLeaves()
      if (!this.#is('operator away')) this.#operatorTurns()
      if (this.#is('status lost', true)) this.#recorded = this.#cached = []
      if (this.#is('key Secret lost', true)) this.#held = []
    }
  }

  #is(what: Trouble['what'], once = false, whom?: number): boolean {
    return this.#now.some(
      (t) => t.what === what && (whom === undefined || t.whom % 3 === whom) && (!once || this.#isNow(t, 1)),
    )
  }

  #isNow(t: Trouble, hours: number): boolean {
    const from = begin + Math.floor(t.day) * day
    return this.#real >= from && this.#real < from + hours * hour
  }

  /** Each server learns of a change at a time of its own, within twelve hours. */
  #dns(): void {
    for (const server of this.#servers) {
      for (const key of this.#zone) this.#learns(server, key)
      for (const key of [...server.shows.keys()].filter((k) => !this.#zone.has(k))) this.#forgets(server, key)
    }
  }

  #learns(server: Server, key: string): void {
    const { shows, forgets } = server
    forgets.delete(key)
    if (!shows.has(key)) shows.set(key, this.#real + this.#year.dice() * 12 * hour)
    // A server that shows the new record shows it in place of the old one with the same selector.
    if (this.#shows(server, key)) for (const old of shows.keys()) if (isRival(old, key)) shows.delete(old)
  }

  #forgets({ shows, forgets }: Server, key: string): void {
    const until = forgets.get(key) ?? this.#real + this.#year.dice() * 12 * hour
    forgets.set(key, until)
    if (until <= this.#real) shows.delete(key)
  }

  #shows = ({ shows }: Server, key: string): boolean => (shows.get(key) ?? Number.POSITIVE_INFINITY) <= this.#real

  #look(key: string, clock: number): void {
    const answers = this.#servers.map((server, i) => {
      if (this.#is('server silent', false, i)) return undefined
      if (this.#is('server lies yes', false, i)) return true
      if (this.#is('server lies no', false, i)) return false
      return this.#shows(server, key)
    })
    const seen = answers.every((a) => a === true) ? 'everywhere' : answers.includes(true) ? 'somewhere' : 'nowhere'
    this.#lookedAt.set(key, { seen, checkedAt: clock, apartMs: 0 })
  }

  #relaysHear(): void {
    this.#relays.forEach((relay, i) => {
      if (this.#is('relay deaf', false, i) || this.#year.dice() < 0.1) return
      relay.signs = this.#written.signs
      relay.revision = this.#written.revision
    })
  }

  #mailLeaves(): void {
    for (const { signs, mail } of this.#relays) {
      for (const key of signs) {
        this.#isSeen(key)
        mail.set(key, this.#real)
      }
      for (const [key, at] of mail) if (this.#real - at < this.#underWayMs) this.#mayBeVerified(key)
    }
  }

  #mayBeVerified(key: string): void {
    if (!this.#zone.has(key)) this.#fault(`${key} is withdrawn with its mail under way`)
    for (const other of this.#zone) if (isRival(other, key)) this.#fault(`${other} has the place of ${key}`)
  }

  /** How long after it was signed mail may be verified. Two clocks an hour off each may shorten the overlap by two hours. */
  get #underWayMs(): number {
    return this.#year.expireAfterMs + this.#year.wish.overlapMs - 2 * clockMs
  }

  #isSeen(key: string): void {
    const honest = this.#servers.filter((_, i) => !this.#is('server lies yes', false, i))
    const isFirst = !this.#begun.has(key)
    this.#begun.add(key)
    if (isFirst && !honest.every((s) => this.#shows(s, key))) this.#fault(`${key} signs and is not seen`)
    if (!this.#zone.has(key)) this.#fault(`${key} signs and is not published`)
  }

  #fault(what: string): void {
    if (this.faults.length < 5) this.faults.push(`day ${((this.#real - begin) / day).toFixed(2)}: ${what}`)
  }

  /** One turn of the operator, which a crash may cut off anywhere. The next one may have another clock, and an old view. */
  #operatorTurns(): void {
    const { dice } = this.#year
    const { delegated: _, ...plain } = this.#year.wish
    const wish = this.#is('selectors not delegated') ? plain : this.#year.wish
    if (dice() < 0.02) this.#clockOff = (2 * dice() - 1) * clockMs
    const clock = this.#real + this.#clockOff
    const view = dice() < 0.05 ? this.#cached : this.#recorded
    if (dice() < 0.7) for (const { publicKey } of view) this.#look(publicKey, clock)
    if (this.#is('key Secret unreadable')) return
    const step = dkimStep(view, wish, this.#observations(), clock)
    const deeds = [
      () => this.#make(step),
      () => this.#record(step),
      () => this.#publish(step),
      () => this.#write(step),
      () => this.#erase(step),
    ]
    const crash = dice() < 0.05 ? Math.floor(dice() * deeds.length) : deeds.length
    for (const deed of deeds.slice(0, crash)) deed()
  }

  #observations(): DkimObservations {
    return {
      held: this.#held,
      recordOf: ({ publicKey }) => this.#lookedAt.get(publicKey),
      inUse: ({ publicKey }) => this.#inUse(publicKey),
      expireAfterMs: this.#year.expireAfterMs,
    }
  }

  #inUse(key: string): 'yes' | 'no' | 'unknown' {
    if (this.#written.signs.includes(key)) return 'yes'
    const answers = this.#relays.map((relay, i) => {
      if (this.#is('relay silent', false, i)) return 'unknown'
      if (relay.signs.includes(key)) return 'yes'
      return relay.revision === this.#written.revision ? 'no' : 'unknown'
    })
    return answers.find((a) => a === 'yes') ?? answers.find((a) => a === 'unknown') ?? 'no'
  }

  #make({ make }: DkimStep): void {
    for (const { type, selector: wanted } of make) {
      this.#made += 1
      const selector = wanted ?? `s${String(this.#made).padStart(4, '0')}`
      const algorithm = type === 'rsa' ? 'rsa2048' : 'ed25519'
      const others = this.#held.filter((key) => key.selector !== selector)
      this.#held = [...others, { selector, algorithm, publicKey: `${selector} ${this.#made}` }]
    }
  }

  #record({ keys }: DkimStep): void {
    this.#cached = this.#recorded
    this.#recorded = keys
  }

  #publish({ publish }: DkimStep): void {
    if (this.#is('nobody publishes')) return
    this.#zone = new Set(publish.map(({ publicKey }) => publicKey))
    const selectors = new Set(publish.map(({ selector }) => selector))
    if (selectors.size < publish.length) this.#fault('two records have one name')
  }

  /** Tells the relays which keys sign. They still have a key that was lost with its Secret. */
  #write({ sign, keys }: DkimStep): void {
    const signs = sign.flatMap((selector) => keys.find((key) => key.selector === selector)?.publicKey ?? [])
    if (signs.join() === this.#written.signs.join()) return
    this.#written = { signs, revision: this.#written.revision + 1 }
  }

  #erase({ erase }: DkimStep): void {
    this.#held = this.#held.filter(({ selector }) => !erase.includes(selector))
  }
}
