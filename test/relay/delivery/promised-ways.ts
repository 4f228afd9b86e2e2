/** Which next hops may have which mail, how many connections, and when: what the reference promises, said anew and not as the relay. */
import { type Deed, type Part, partOf, type Settings, signed, type Way } from './clocked-stories.ts'
import type { Mood, Sent } from './toy-hosts.ts'

/** No attempt lasts longer, nor does what a configuration that is gone has begun. */
const longestAttemptMs = 5000 + 60_000 + 3 * 20_000
/** What was decided before is over: an attempt, and the longest time that a next hop is left out. */
const settledMs = longestAttemptMs + 60_000
/** One that is down is left out for a minute at the last, after three failures and six shorter times, of 1 to 32 seconds. */
const longestOutMs = 59_000
const dialsBefore = 10

type InForce = { readonly settings: Settings; readonly from: number; until: number }
type MailOf = (queueId: string) => { readonly credential: string; readonly signingDomain?: string } | undefined

export class PromisedWays {
  readonly #wrong: (what: string) => void
  readonly #history: InForce[] = []
  readonly #moods = new Map<string, { readonly mood: Mood; readonly since: number }>()
  readonly #dials = new Map<string, number[]>()
  /** When a healthy host first took mail since it is healthy and the process runs with these settings. */
  readonly #proven = new Map<string, number>()

  constructor(wrong: (what: string) => void) {
    this.#wrong = wrong
  }

  get now(): Settings {
    return this.#history.at(-1)?.settings as Settings
  }

  /** For so long that nothing is under way any more. */
  get isLongSuspended(): boolean {
    return this.#since(longestAttemptMs).every(({ settings }) => settings.isSuspended)
  }

  loaded(settings: Settings): void {
    const before = this.#history.at(-1)
    if (before !== undefined) before.until = Date.now()
    this.#history.push({ settings, from: Date.now(), until: Number.POSITIVE_INFINITY })
    this.began()
  }

  /** A process begins: what the one before knew of next hops is forgotten. */
  began(): void {
    this.#proven.clear()
    this.#dials.clear()
  }

  mood({ host, mood }: Extract<Deed, { do: 'mood' }>): void {
    if (this.#moods.get(host)?.mood !== mood) this.#moods.set(host, { mood, since: Date.now() })
    this.#proven.delete(host)
    this.#dials.delete(host)
  }

  /** By which a recipient may wait, or expire, now; undefined: there was no route for it. */
  retriesOf(credential: string, forwardPath: string): readonly (Way | undefined)[] {
    return this.#since(settledMs).map(({ settings }) => {
      const part = partOf(settings, credential, forwardPath)
      return part && settings.ways[part]
    })
  }

  /** One that is down is left out, each time for longer, and then probed by one message. */
  dialled(host: string): void {
    const dials = this.#dials.get(host) ?? []
    this.#dials.set(host, [...dials, Date.now()])
    const isDead = this.#moods.get(host)?.mood === 'dead' && dials.length >= dialsBefore + this.#most(host, this.now)
    const isOfOne = !host.startsWith('mx') && this.#partsTo(host, this.now).length === 1
    if (isDead && isOfOne && (dials.at(-1) ?? 0) > Date.now() - longestOutMs)
      this.#wrong(`${host} is down and not left out`)
  }

  /** `open`: to this smarthost. */
  connected(host: string, open: number): void {
    if (host.startsWith('mx')) return
    const recent = this.#since(longestAttemptMs).map(({ settings }) => this.#most(host, settings))
    // A smarthost that stays keeps its connections over a reload; one that was changed has new ones, beside those that end.
    const most = recent.reduce((sum, one) => sum + one, 0)
    if (open > most) this.#wrong(`${open} connections to ${host}`)
    const isOld = (this.#history.at(-1)?.from ?? 0) < Date.now() - longestAttemptMs
    if (isOld && open > this.#most(host, this.now)) this.#wrong(`${open} connections to ${host} by one configuration`)
  }

  /** `open`: transactions at exchangers for one domain. */
  exchanged(open: number): void {
    const recent = this.#since(longestAttemptMs).map(({ settings }) => settings.ways.mx?.perDomain ?? 0)
    // A route that was away and has come back has connections of its own beside those that end.
    const most = recent.includes(0) ? recent.reduce((sum, one) => sum + one, 0) : Math.max(...recent)
    if (open > most) this.#wrong(`${open} transactions for one domain at a time`)
  }

  begun(host: string, lateMs: number): void {
    const recent = this.#since(lateMs).filter(({ settings }) => !settings.isSuspended)
    if (recent.length === 0) this.#wrong(`${host} has mail of a fleet that is suspended`)
    if (!recent.some(({ settings }) => this.#partsTo(host, settings, false).length > 0))
      this.#wrong(`mail goes in clear to ${host}, or to one that is named no more`)
  }

  sent(sent: Sent, mailOf: MailOf): void {
    const mail = mailOf(sent.queueId)
    if (mail === undefined) return
    const recent = this.#history.filter(({ until }) => until >= sent.mailAt - sent.lateMs)
    for (const path of sent.forwardPaths) {
      const parts = recent.map(({ settings }) => [settings, partOf(settings, mail.credential, path)] as const)
      const isNamed = parts.some(([settings, part]) => part && this.#partsTo(sent.host, settings).includes(part))
      if (!isNamed) this.#wrong(`${sent.queueId} goes to ${sent.host}, which is not for ${path}`)
      const [only] = parts
      if (parts.length === 1 && only?.[1] !== undefined) this.#expectBest(sent, only[0], only[1])
    }
    this.#expectSigned(sent, mail.signingDomain === signed)
    const mood = this.#moods.get(sent.host)?.mood ?? 'healthy'
    if (mood === 'healthy' && !this.#proven.has(sent.host)) this.#proven.set(sent.host, Date.now())
  }

  /** A higher number is used only while none with a lower one can be. */
  #expectBest({ host, mailAt, queueId }: Sent, { ways }: Settings, part: Part): void {
    const smarthosts = part === 'mx' ? [] : (ways[part]?.smarthosts ?? [])
    const own = smarthosts.find((one) => one.host === host)?.priority ?? 0
    for (const { host: better, priority, isStrict } of smarthosts) {
      const isGood = (this.#proven.get(better) ?? Number.POSITIVE_INFINITY) < mailAt - settledMs
      if (priority < own && isGood && !isStrict) this.#wrong(`${queueId} goes to ${host}, and ${better} is there`)
    }
  }

  /** Mail that is to leave signed only does so, and waits without a key. */
  #expectSigned({ content, queueId }: Sent, isOfDomain: boolean): void {
    const states = this.#since(settledMs).map(({ settings }) => [settings.key, settings.whenBroken] as const)
    const signatures = content.match(/^DKIM-Signature: d=signed.test; s=s1\r$/gm)?.length ?? 0
    if (signatures > (isOfDomain ? 1 : 0)) this.#wrong(`${queueId} has ${signatures} signatures`)
    if (!isOfDomain) return
    if (signatures === 1 && states.every(([key]) => key !== 'there' && key !== 'over'))
      this.#wrong(`${queueId} is signed by a key that is not there`)
    if (signatures === 1) return
    const isWarned = states.some(([key, whenBroken]) => key !== 'there' && whenBroken === 'Warn')
    if (!isWarned) this.#wrong(`${queueId} leaves without its signature`)
  }

  #partsTo(host: string, { ways }: Settings, isStrictToo = true): readonly Part[] {
    const named = Object.entries(ways).filter(([part, way]) => {
      if (way === undefined) return false
      if (part === 'mx') return host.startsWith('mx')
      return way.smarthosts.some((one) => one.host === host && (isStrictToo || !one.isStrict))
    })
    return named.map(([part]) => part as Part)
  }

  #most(host: string, { ways }: Settings): number {
    const named = Object.entries(ways).flatMap(([part, way]) => (part === 'mx' ? [] : (way?.smarthosts ?? [])))
    return named.filter((one) => one.host === host).reduce((sum, { maxConnections }) => sum + maxConnections, 0)
  }

  /** What was in force in this time. */
  #since(ms: number): readonly InForce[] {
    return this.#history.filter(({ until }) => until >= Date.now() - ms)
  }
}
