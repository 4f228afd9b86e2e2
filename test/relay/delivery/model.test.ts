/**
 * Random stories of mail, floods, moods of next hops, of DNS and of the disk, reloads, kills and restarts under fake timers: what
 * holds, whatever happens.
 */
import fc from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { connectTo } from '../../../relay/delivery/connect.ts'
import { createDelivery, type Delivery } from '../../../relay/delivery/delivery.ts'
import { noRouteRetry } from '../../../relay/delivery/dispatcher.ts'
import type { Dns } from '../../../relay/delivery/dns.ts'
import type { Attempt, Events } from '../../../relay/events.ts'
import { seededRandom } from '../../local/seeded-random.ts'
import { FakeHours } from './fake-hours.ts'
import { Fates } from './fates.ts'
import { MemorySpool } from './memory-spool.ts'
import { ReportsToCome } from './reports-to-come.ts'
import { envelope, loadedWith } from './samples.ts'
import { someWishes } from './some-wishes.ts'
import {
  calm,
  type Deed,
  type DiskState,
  type DnsSays,
  deeds,
  exchangersOf,
  hostNames,
  routesOf,
  spreadTo,
  type Ways,
  ways,
} from './stories.ts'
import { type Mood, moods, ToyHosts } from './toy-hosts.ts'
import { lastMs, longestAttemptMs, toyWorld } from './toy-world.ts'

const network = vi.hoisted((): { hosts?: ToyHosts } => ({}))
vi.mock('../../../relay/delivery/connect.ts', () => ({
  connectTo: (dialing: Parameters<typeof connectTo>[0]) => network.hosts?.connectTo(dialing),
}))

const long = process.env['RELAYFLEET_LONG'] === '1'
const stories = long ? 3000 : 30
const seed = Number(process.env['RELAYFLEET_SEED'] ?? 20_261_130)

/** How late an attempt may be: its next hop was left out, or paused, for a minute. */
const latestMs = 60_000 + longestAttemptMs
/** How long mail to healthy next hops may wait, however much others send, and to whomever. */
const calmMs = 1000

/** What fails in each state of the disk. The room for removals is kept where it is full. */
const failing = {
  fine: [],
  slow: [],
  full: ['receive', 'commit', 'record'],
  'full for reports': ['receive', 'commit'],
  'full for states': ['record'],
  failing: ['receive', 'commit', 'record', 'remove'],
  unreadable: ['load', 'content'],
} as const satisfies Record<DiskState, readonly unknown[]>

class World {
  readonly problems: string[] = []
  readonly #dice: () => number
  readonly #hosts: ToyHosts
  readonly #fates: Fates
  /** The routes that were in force, and until when. */
  readonly #ways: { readonly ways: Ways; until: number }[] = []
  readonly #reports = new ReportsToCome()
  readonly #time = new FakeHours(
    () => this.#hosts.deeds + this.#spool.log.length,
    () => failing[this.#disk].length === 0 && this.#reports.areLeft(this.#spool),
  )
  #spool = new MemorySpool()
  #disk: DiskState = 'fine'
  /** Since the story began; and since the relay began to end. */
  #hadBadDisk = { ever: false, lately: false }
  readonly #dns = new Map<string, DnsSays>()
  #loaded = loadedWith([])
  #delivery: Delivery
  /** Of the processes that there have been, only the last one is heard. */
  #processes = 0
  #isSuspended = false
  /** Mail of one domain waits, since its records are broken. */
  #isHeld = false
  /** When delivery began, or was last resumed: what is older did not have to be on its way before. */
  #since = 0
  #count = 0

  constructor(dice: () => number, ways: Ways, moodOf: readonly Mood[]) {
    this.#dice = dice
    const wrong = (what: string): void => void this.problems.push(`${Date.now()} ${what}`)
    this.#fates = new Fates((queueId) => this.#spool.stored.get(queueId)?.envelope, wrong)
    this.#fates.retries.push(noRouteRetry)
    this.#hosts = new ToyHosts(dice)
    for (const [i, host] of hostNames.entries()) this.#hosts.moods.set(host, moodOf[i] ?? 'healthy')
    this.#hosts.onConnected = (host) => this.#expectRoomFor(host)
    this.#hosts.onMail = (host, lateMs) => this.#expectClear(host, lateMs)
    this.#hosts.onNonsense = (host, line) => wrong(`${host} was told ${line}`)
    network.hosts = this.#hosts
    this.#load(ways)
    this.#delivery = this.#begin()
  }

  #expect(holds: boolean, what: string): void {
    if (!holds) this.problems.push(`${Date.now()} ${what}`)
  }

  #load(ways: Ways): void {
    const before = this.#ways.at(-1)
    if (before?.ways !== ways) {
      if (before !== undefined) before.until = Date.now()
      this.#ways.push({ ways, until: Number.POSITIVE_INFINITY })
    }
    const routes = routesOf(ways)
    this.#fates.retries.push(...routes.map(({ retry }) => retry))
    const brokenDomain = {
      senderDomain: 'team-a/held',
      domain: 'held.test',
      action: 'Defer',
      records: ['TXT held.test'],
    } as const
    this.#loaded = loadedWith(routes, {
      suspended: this.#isSuspended,
      hostname: ways.hostname,
      ...(this.#isHeld && { brokenDomains: [brokenDomain] }),
    })
  }

  #setDisk(is: DiskState): void {
    this.#disk = is
    const isBad = is !== 'fine'
    this.#hadBadDisk = { ever: this.#hadBadDisk.ever || isBad, lately: this.#hadBadDisk.lately || isBad }
    this.#furnish(this.#spool)
  }

  #furnish(spool: MemorySpool): void {
    spool.broken.clear()
    for (const operation of failing[this.#disk]) spool.broken.add(operation)
    spool.fault =
      failing[this.#disk].length > 0 && this.#disk !== 'unreadable' ? 'the disk does not take all' : undefined
    spool.before = () =>
      this.#disk === 'slow' ? new Promise((resolve) => setTimeout(resolve, 1 + 50 * this.#dice())) : undefined
  }

  #begin(): Delivery {
    const own = ++this.#processes
    this.#reports.clear()
    this.#furnish(this.#spool)
    const hear = (fact: keyof Events, told: readonly unknown[]): void => {
      if (own !== this.#processes) return
      this.#hosts.deeds++
      this.#fates.hear(fact, told)
      if (fact === 'bounced') this.#reports.toCome(`${told[0]}`, `${told[1]}`)
      if (fact === 'attempted') this.#reports.attempted(told[0] as Attempt, this.#spool)
      if (fact === 'dsnQueued') this.#reports.made(`${told[0]}`, `${told[1]}`, this.#spool)
      const isOfDisk = told[0] === 'content' || told[0] === 'spool'
      const isExpected = told[0] === 'open-attempts' || (isOfDisk && this.#hadBadDisk.ever)
      this.#expect(fact !== 'clockStepped' && (fact !== 'unexpected' || isExpected), `${fact}: ${told}`)
    }
    const delivery = createDelivery({
      spool: this.#spool,
      events: new Proxy({} as Events, {
        get:
          (_, fact) =>
          (...told: unknown[]) =>
            hear(fact as keyof Events, told),
      }),
      loaded: () => this.#loaded,
      monotonic: Date.now,
      random: this.#dice,
      ...toyWorld((domain) => this.#look(domain)),
    })
    delivery.start()
    return delivery
  }

  async #look(domain: string): ReturnType<Dns['exchangers']> {
    const says = this.#dns.get(domain) ?? 'usual'
    if (says === 'late') await new Promise((resolve) => setTimeout(resolve, 10_000))
    this.#hosts.deeds++
    if (says === 'failed') return { kind: 'failed', why: 'SERVFAIL' }
    return says === 'none' ? { kind: 'noName' } : { kind: 'found', records: exchangersOf(domain, says) }
  }

  /** Nothing is sent in clear but to those whom the configuration in force lets have it so. */
  #expectClear(host: string, lateMs: number): void {
    const recent = this.#ways.filter(({ until }) => until >= Date.now() - lateMs)
    const routes = recent.flatMap((one) => routesOf(one.ways))
    const smarthosts = routes.flatMap((route) => route.smarthosts).filter((one) => one.host === host)
    const isClear = ({ tls }: (typeof smarthosts)[number]): boolean => tls.mode === 'Disabled' && !('caFile' in tls)
    const isExchanger = host.startsWith('mx') && routes.some(({ exchangers }) => exchangers !== undefined)
    this.#expect(isExchanger || smarthosts.some(isClear), `mail went in clear to ${host}`)
  }

  /** Each message counts once, whatever it waits for. */
  expectSummary(): void {
    const { ready, deferred, inFlight } = this.#delivery.summary()
    const all = ready + deferred + inFlight
    this.#expect(
      this.#hadBadDisk.lately || all === this.#spool.size,
      `of ${this.#spool.size} messages ${ready} are ready, ${deferred} deferred and ${inFlight} in flight`,
    )
  }

  #expectRoomFor(host: string): void {
    const recent = this.#ways.filter(({ until }) => until > Date.now() - longestAttemptMs)
    const routes = recent.flatMap((one) => routesOf(one.ways))
    const smarthosts = routes.flatMap((route) => route.smarthosts).filter((one) => one.host === host)
    const most = smarthosts.reduce((sum, { maxConnections }) => sum + maxConnections, 0)
    const mostInUse = Math.max(...routes.map(({ exchangers }) => exchangers?.maxConnections ?? 0))
    if (smarthosts.length > 0) this.#expect(this.#hosts.open(host) <= most, `more than ${most} connections to ${host}`)
    else this.#expect(this.#hosts.inUse('mx') <= mostInUse, `more than ${mostInUse} connections to exchangers in use`)
  }

  #submit(credential: string, reversePath: string, forwardPaths: readonly string[]): void {
    const queueId = `q${String(++this.#count).padStart(14, '0')}`
    const content = Buffer.from(`From: <app@corp.test>\r\nMessage-ID: <${queueId}@corp.test>\r\n\r\nhello\r\n`)
    const signingDomain = credential === 'team-a/web' ? 'held.test' : 'corp.test'
    const submitted = envelope(content, {
      queueId,
      credential,
      reversePath,
      forwardPaths,
      signingDomain,
      ...someWishes(forwardPaths),
    })
    this.#fates.expect(submitted)
    this.#spool.put(submitted, content)
  }

  #reload(ways: Ways, { isSuspended = this.#isSuspended, isHeld = this.#isHeld } = {}): void {
    if (this.#isSuspended) this.#since = Date.now()
    this.#isSuspended = isSuspended
    this.#isHeld = isHeld
    this.#load(ways)
    this.#delivery.reload()
  }

  async #stop(graceMs: number, meanwhile: readonly Deed[] = []): Promise<void> {
    const began = Date.now()
    let isClosed = false
    this.#hadBadDisk.lately = this.#disk !== 'fine'
    void this.#delivery.close(graceMs).then(() => {
      isClosed = true
      const tookMs = Date.now() - began
      this.#expect(tookMs <= graceMs + lastMs, `a relay that had ${graceMs} ms ended after ${tookMs} ms`)
    })
    for (const deed of meanwhile) {
      if (deed.do === 'wait') await this.#time.wait(deed.ms, () => isClosed)
      else await this.do(deed)
    }
    await this.#time.wait(longestAttemptMs, () => isClosed)
    this.#expect(isClosed && this.#hosts.allOpen === 0, 'a relay that stops leaves nothing open')
  }

  /** Another process opens the spool, as it is at this moment. */
  #startAnew(mayForget: boolean): void {
    this.#spool = this.#spool.reopened()
    this.#fates.restarted(this.#spool.stored, mayForget)
    this.#hadBadDisk.lately = this.#disk !== 'fine'
    this.#since = Date.now()
    this.#delivery = this.#begin()
  }

  #kill(): void {
    const killed = this.#delivery
    this.#startAnew(true)
    for (const copy of this.#hosts.cut()) this.#fates.unheard(copy)
    // So that it does nothing more: nobody hears of it, and its spool is of no use.
    void killed.close(0)
  }

  async do(deed: Deed): Promise<void> {
    const [ours, now] = ['app@corp.test', this.#ways.at(-1)?.ways as Ways]
    switch (deed.do) {
      case 'submit':
        return this.#submit(deed.credential, deed.from, deed.to)
      case 'calm':
        return this.#submit(calm, ours, [`a@${deed.domain}`])
      case 'flood':
        for (let i = 0; i < deed.count; i++) this.#submit(deed.credential, ours, [`f${i}@${deed.domain}`])
        return
      case 'spread':
        for (let i = 0; i < deed.count; i++) this.#submit(deed.credential, ours, [spreadTo(i)])
        return
      case 'mood':
        return void this.#hosts.moods.set(deed.host, deed.mood)
      case 'dns':
        return void this.#dns.set(deed.domain, deed.says)
      case 'disk':
        return this.#setDisk(deed.is)
      case 'reload':
        return this.#reload(deed.ways)
      case 'suspend':
      case 'resume':
        return this.#reload(now, { isSuspended: deed.do === 'suspend' })
      case 'hold':
      case 'release':
        return this.#reload(now, { isHeld: deed.do === 'hold' })
      case 'restart':
        await this.#stop(deed.graceMs, deed.meanwhile)
        return this.#startAnew(this.#hadBadDisk.lately)
      case 'kill':
        return this.#kill()
      case 'wait':
        return this.#time.wait(deed.ms)
    }
  }

  /** Makes every next hop healthy: from then on all mail has to leave, and nothing of it may be left. */
  async end(): Promise<void> {
    const isCalm = this.#ways.every((one) => one.ways.exchangers !== undefined) && !this.#hadBadDisk.ever
    this.#hosts.moods.clear()
    this.#dns.clear()
    this.#setDisk('fine')
    const last = this.#ways.at(-1)?.ways as Ways
    this.#reload(
      { ...last, takesAll: true, trust: last.trust.map(() => 'clear') },
      { isSuspended: false, isHeld: false },
    )
    this.#fates.healthy = { since: Date.now(), latestMs }
    await this.#time.wait(1.2 * 3_600_000 + 2 * latestMs, () => this.#spool.size === 0)
    const { ready, deferred, inFlight } = this.#delivery.summary()
    this.#expect(this.#spool.size + ready + deferred + inFlight === 0, `${this.#spool.size} messages are left`)
    await this.#time.wait(latestMs)
    this.#expect(this.#hosts.allOpen + vi.getTimerCount() === 0, 'connections or timers are left')
    this.#fates.mayLoseReports ||= this.#hadBadDisk.ever
    this.#fates.judge(this.#hosts.copies)
    const waitedMs = this.#fates.longestWaitOf(calm, this.#since)
    this.#expect(!isCalm || waitedMs <= calmMs, `mail to healthy next hops waited for ${waitedMs} ms`)
    await this.#stop(0)
  }
}

test(`in ${stories} random stories each recipient is delivered or given up once, in time, and no mail waits for the next hops or floods of others (cases U01, U05, U13, U23, U25, S25, S27, R15, T15)`, {
  timeout: 3_600_000,
}, async () => {
  onTestFinished(() => void vi.useRealTimers())
  const moodOf = fc.array(fc.constantFrom(...moods), { minLength: hostNames.length, maxLength: hostNames.length })
  const holds = fc.asyncProperty(fc.nat(), ways, moodOf, deeds, async (n, first, moodOf, story) => {
    FakeHours.begin()
    const world = new World(seededRandom(n), first, moodOf)
    for (const deed of story) {
      world.expectSummary()
      await world.do(deed)
    }
    await world.end()
    expect(world.problems).toEqual([])
  })
  await fc.assert(holds, { seed, numRuns: stories })
})
