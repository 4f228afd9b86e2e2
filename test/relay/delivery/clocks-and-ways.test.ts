/**
 * Random stories of a day of mail, while clocks are set, routes go and come back, and keys are missing: what the promises say of times
 * and of ways out holds, whatever happens.
 */
import fc from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { connectTo } from '../../../relay/delivery/connect.ts'
import { createDelivery, type Delivery } from '../../../relay/delivery/delivery.ts'
import { noRouteRetry } from '../../../relay/delivery/dispatcher.ts'
import type { Events } from '../../../relay/events.ts'
import type { Envelope, QueuedMessage } from '../../../relay/mail/envelope.ts'
import type { SigningKey } from '../../../relay/mail/keyring.ts'
import { seededRandom } from '../../local/seeded-random.ts'
import {
  allWell,
  type Deed,
  deeds,
  exchangersOf,
  hosts,
  loadedBy,
  type Settings,
  settings,
  signed,
} from './clocked-stories.ts'
import { FakeHours } from './fake-hours.ts'
import { Fates } from './fates.ts'
import { MemorySpool } from './memory-spool.ts'
import { PromisedTimes } from './promised-times.ts'
import { PromisedWays } from './promised-ways.ts'
import { ReportsToCome } from './reports-to-come.ts'
import { envelope, loadedWith } from './samples.ts'
import { ToyHosts } from './toy-hosts.ts'
import { deadlines, toyWorld } from './toy-world.ts'

const network = vi.hoisted((): { hosts?: ToyHosts } => ({}))
vi.mock('../../../relay/delivery/connect.ts', () => ({
  connectTo: (dialing: Parameters<typeof connectTo>[0]) => network.hosts?.connectTo(dialing),
}))
// A signature takes time of another thread, which the fake timers know nothing of.
vi.mock('../../../relay/delivery/seal.ts', () => ({
  Seal: class {
    readonly #keys: readonly SigningKey[]
    constructor(keys: readonly SigningKey[]) {
      this.#keys = keys
    }
    take(): void {}
    async fields(): Promise<Buffer> {
      return Buffer.from(
        this.#keys.map(({ domain, selector }) => `DKIM-Signature: d=${domain}; s=${selector}\r\n`).join(''),
      )
    }
  },
}))

const long = process.env['RELAYFLEET_LONG'] === '1'
const stories = long ? 2000 : 25
const seed = Number(process.env['RELAYFLEET_SEED'] ?? 20_261_201)

/** How late an attempt may be: its next hop was left out for a minute, and another attempt came first. */
const latestMs = 60_000 + deadlines.connect + deadlines.transaction + 3 * 20_000
const hour = 3_600_000

class World {
  readonly problems: string[] = []
  readonly #dice: () => number
  readonly #times = new PromisedTimes()
  readonly #ways = new PromisedWays((what) => this.#wrong(what))
  readonly #hosts: ToyHosts
  readonly #fates: Fates
  readonly #time = new FakeHours(
    () => this.#hosts.deeds + this.#spool.log.length,
    () => this.#reports.areLeft(this.#spool),
  )
  readonly #reports = new ReportsToCome()
  #spool = new MemorySpool()
  #loaded = loadedWith([])
  #delivery: Delivery
  /** Of the processes that there have been, only the last one is heard. */
  #processes = 0
  #count = 0

  constructor(dice: () => number, first: Settings) {
    this.#dice = dice
    this.#fates = new Fates(
      (queueId) => this.#truly(this.#spool.stored.get(queueId)?.envelope),
      (what) => this.#wrong(what),
    )
    this.#fates.times = {
      mayExpire: ({ queueId, credential }, path) =>
        this.#retriesOf(credential, path).some((retry) => this.#times.mayExpire(queueId, retry)),
      mayWait: ({ queueId, credential }, path, turns, at) =>
        this.#retriesOf(credential, path).some((retry) => this.#times.mayWait(queueId, retry, turns, at)),
    }
    this.#hosts = new ToyHosts(dice)
    this.#hosts.onDialled = (host) => this.#ways.dialled(host)
    this.#hosts.onConnected = (host) => this.#ways.connected(host, this.#hosts.open(host))
    this.#hosts.onMail = (host, lateMs) => this.#ways.begun(host, lateMs)
    this.#hosts.onContent = (sent) => {
      this.#ways.sent(sent, (queueId) => this.#spool.stored.get(queueId)?.envelope)
      for (const domain of ['m0.test', 'm1.test', 'm2.test']) this.#ways.exchanged(this.#hosts.transactions(domain))
    }
    this.#hosts.onNonsense = (host, line) => this.#wrong(`${host} was told ${line}`)
    network.hosts = this.#hosts
    this.#load(first)
    this.#delivery = this.#begin()
  }

  #wrong(what: string): void {
    this.problems.push(`${Date.now()} ${what}`)
  }

  #expect(holds: boolean, what: string): void {
    if (!holds) this.#wrong(what)
  }

  #retriesOf(credential: string, forwardPath: string) {
    return this.#ways.retriesOf(credential, forwardPath).map((way) => way ?? noRouteRetry)
  }

  #truly<E extends Envelope | undefined>(told: E): E {
    return told && { ...told, acceptedAt: this.#times.acceptedAt(told.queueId) }
  }

  #load(next: Settings): void {
    this.#ways.loaded(next)
    const { routes, config, files } = loadedBy(next)
    this.#loaded = loadedWith(routes, config, files)
  }

  #reload(change: Partial<Settings>): void {
    this.#load({ ...this.#ways.now, ...change })
    this.#delivery.reload()
  }

  #begin(): Delivery {
    const own = ++this.#processes
    this.#reports.clear()
    this.#times.processBegins()
    this.#ways.began()
    this.#spool.onQueued(({ envelope }) => this.#times.accepted(envelope.queueId))
    const delivery = createDelivery({
      spool: this.#spool,
      events: new Proxy({} as Events, {
        get:
          (_, fact) =>
          (...told: unknown[]) => {
            if (own === this.#processes) this.#hear(fact as keyof Events, told)
          },
      }),
      loaded: () => this.#loaded,
      now: this.#times.wall,
      monotonic: this.#times.monotonic,
      random: this.#dice,
      ...toyWorld(async (domain) => ({ kind: 'found', records: exchangersOf(domain) })),
    })
    delivery.start()
    return delivery
  }

  #hear(fact: keyof Events, told: readonly unknown[]): void {
    this.#hosts.deeds++
    // Times of day are told by the clock as it is set now.
    if (fact === 'deferred') this.#fates.hear(fact, told.with(2, Number(told[2]) - this.#times.wrongBy))
    else this.#fates.hear(fact, told)
    if (fact === 'bounced') this.#reports.toCome(`${told[0]}`, `${told[1]}`)
    if (fact === 'clockStepped') this.#expect(this.#times.hasStepped, 'the clock was not set, and is told to be')
    this.#expect(fact !== 'unexpected' || told[0] === 'open-attempts', `${fact}: ${told}`)
    if (fact === 'bounced' && this.#ways.isLongSuspended) this.#wrong(`${told[0]} is given up by a suspended fleet`)
  }

  /** What is told of the queue and of next hops. */
  expectStatus(): void {
    const { ready, deferred, inFlight, oldestSeconds } = this.#delivery.summary()
    const { size } = this.#spool
    this.#expect(
      ready + deferred + inFlight === size,
      `of ${size} messages ${ready} are ready, ${deferred} deferred and ${inFlight} in flight`,
    )
    const waiting = [...this.#spool.stored.keys()]
    const oldest = Math.max(0, ...waiting.map((queueId) => Date.now() - this.#times.acceptedAt(queueId)))
    const isKnown = waiting.every((queueId) => this.#times.isTrueFor(queueId))
    const isRight = !isKnown || Math.abs(1000 * oldestSeconds - oldest) < 1000
    this.#expect(isRight, `the oldest message is ${oldest / 1000} s old, and not ${oldestSeconds}`)
    const named = this.#loaded.config.routes.flatMap(({ name, smarthosts, exchangers }) =>
      exchangers === undefined ? smarthosts.map((one) => `${name} ${one.name}`) : [`${name} mx`],
    )
    const told = this.#delivery.smarthosts()
    expect(told.map(({ route, name }) => `${route} ${name}`).toSorted()).toEqual(named.toSorted())
    for (const { ejectedUntil } of told) {
      const leftMs = ejectedUntil === undefined ? 0 : Date.parse(ejectedUntil) - this.#times.wall()
      this.#expect(leftMs >= -1 && leftMs <= 60_000, `left out for another ${leftMs} ms`)
    }
  }

  #submit({ credential, from, to }: Extract<Deed, { do: 'submit' }>): void {
    const queueId = `q${String(++this.#count).padStart(14, '0')}`
    const content = Buffer.from(`From: <app@corp.test>\r\nMessage-ID: <${queueId}@corp.test>\r\n\r\nhello\r\n`)
    const signingDomain = from.endsWith(signed) ? signed : 'corp.test'
    const submitted = envelope(content, {
      queueId,
      credential,
      reversePath: from,
      forwardPaths: to,
      signingDomain,
      acceptedAt: this.#times.wall(),
    })
    const states = to.map((forwardPath) => ({
      forwardPath,
      state: 'pending' as const,
      attempts: 0,
      nextAttemptAt: submitted.acceptedAt,
      ambiguous: 0,
    }))
    this.#times.accepted(queueId)
    this.#fates.expect(this.#truly(submitted))
    this.#spool.put(submitted, content, states)
  }

  async #stop(graceMs: number): Promise<void> {
    let isClosed = false
    void this.#delivery.close(graceMs).then(() => {
      isClosed = true
    })
    await this.#time.wait(2 * latestMs, () => isClosed)
    this.#expect(isClosed && this.#hosts.allOpen === 0, 'a relay that stops leaves nothing open')
  }

  /** Another process opens the spool, as it is at this moment, and believes the clock. */
  #startAnew(mayForget: boolean): void {
    this.#spool = this.#spool.reopened()
    const trueOf = ({ envelope, recipients }: QueuedMessage): QueuedMessage => ({
      envelope: this.#truly(envelope),
      recipients: this.#times.dueAts(recipients),
    })
    const stored = [...this.#spool.stored].map(([queueId, message]) => [queueId, trueOf(message)] as const)
    this.#fates.restarted(new Map(stored), mayForget)
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
    const { ways } = this.#ways.now
    switch (deed.do) {
      case 'submit':
        for (let i = 0; i < deed.times; i++) this.#submit(deed)
        return
      case 'mood':
        this.#ways.mood(deed)
        return void this.#hosts.moods.set(deed.host, deed.mood)
      case 'clock':
        return this.#times.set(deed.wrongBy)
      case 'way':
        return this.#reload({ ways: { ...ways, [deed.part]: deed.way } })
      case 'key':
        return this.#reload({ key: deed.key, whenBroken: deed.whenBroken })
      case 'suspend':
      case 'resume':
        return this.#reload({ isSuspended: deed.do === 'suspend' })
      case 'restart':
        await this.#stop(deed.graceMs)
        return this.#startAnew(false)
      case 'kill':
        return this.#kill()
      case 'wait':
        return this.#time.wait(deed.ms)
    }
  }

  /** Makes everything well: from then on all mail has to leave, and nothing of it may be left. */
  async end(): Promise<void> {
    for (const host of hosts) this.#ways.mood({ do: 'mood', host, mood: 'healthy' })
    this.#hosts.moods.clear()
    this.#reload(allWell)
    this.#fates.healthy = { since: Date.now(), latestMs }
    // A process that has just begun may look at a message after the longest wait, and believe another one then.
    await this.#time.wait(2 * 1.2 * hour + 2 * latestMs, () => this.#spool.size === 0)
    this.expectStatus()
    this.#expect(this.#spool.size === 0, `${this.#spool.size} messages are left`)
    await this.#time.wait(latestMs)
    this.#expect(this.#hosts.allOpen + vi.getTimerCount() === 0, 'connections or timers are left')
    this.#fates.judge(this.#hosts.copies)
    await this.#stop(0)
  }
}

test(`in ${stories} random stories with clocks that are set, keys that are missing and routes that go, mail takes only ways that are named, as many as are allowed, and no more or less time than it has (cases S23, S25, T15, U01, U23, M39)`, {
  timeout: 3_600_000,
}, async () => {
  onTestFinished(() => void vi.useRealTimers())
  const holds = fc.asyncProperty(fc.nat(), settings, deeds, async (n, first, story) => {
    FakeHours.begin()
    const world = new World(seededRandom(n), first)
    for (const deed of story) {
      world.expectStatus()
      await world.do(deed)
    }
    await world.end()
    expect(world.problems).toEqual([])
  })
  await fc.assert(holds, { seed, numRuns: stories })
})
