/** Random stories of mail on the journal, on a disk that is slow, silent, full, ill or lost: none is lost, changed or told twice. */
import fc from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { connectTo } from '../../../relay/delivery/connect.ts'
import { createDelivery } from '../../../relay/delivery/delivery.ts'
import { noRouteRetry } from '../../../relay/delivery/dispatcher.ts'
import type { Attempt, Events } from '../../../relay/events.ts'
import type { Envelope } from '../../../relay/mail/envelope.ts'
import { wantsFailure, wantsSuccess, wishFor } from '../../../relay/mail/report-wishes.ts'
import { SpoolError } from '../../../relay/spool/spool.ts'
import { seededRandom } from '../../local/seeded-random.ts'
import { FakeHours } from './fake-hours.ts'
import { Fates } from './fates.ts'
import { foundOn, isWell, well } from './ill-disk.ts'
import { contentFor, type Deed, deeds } from './journal-stories.ts'
import { ample, Machine, type Process } from './machine.ts'
import { envelope, loadedWith } from './samples.ts'
import { someWishes } from './some-wishes.ts'
import { exchangersOf, hostNames, routesOf, type Ways, ways } from './stories.ts'
import { type Mood, moods, type Sent, ToyHosts } from './toy-hosts.ts'
import { lastMs, longestAttemptMs, toyWorld } from './toy-world.ts'

const network = vi.hoisted((): { hosts?: ToyHosts } => ({}))
vi.mock('../../../relay/delivery/connect.ts', () => ({
  connectTo: (dialing: Parameters<typeof connectTo>[0]) => network.hosts?.connectTo(dialing),
}))

const long = process.env['RELAYFLEET_LONG'] === '1'
const stories = long ? 1500 : 40
const seed = Number(process.env['RELAYFLEET_SEED'] ?? 20_261_202)

/** How late an attempt may be: its next hop was left out, or what was to be read was not readable, for a minute. */
const latestMs = 120_000 + longestAttemptMs

class World {
  readonly problems: string[] = []
  readonly #dice: () => number
  readonly #hosts: ToyHosts
  readonly #fates: Fates
  readonly #machine: Machine
  readonly #time = new FakeHours(
    () => this.#deeds + this.#hosts.deeds + this.#machine.deeds,
    () => this.#machine.isBusy || (this.#unreported.size > 0 && this.#mayReport),
  )
  #deeds = 0
  #now: Process | undefined
  #told = { fault: false, finished: 0 }
  readonly #envelopes = new Map<string, Envelope>()
  readonly #contents = new Map<string, string>()
  /** Recipients who are to be reported, and whose report is composed: it takes many turns. */
  readonly #unreported = new Set<string>()
  readonly #submitting = new Set<Promise<void>>()
  #ways: Ways
  #isSuspended = false
  #loaded = loadedWith([])

  constructor(dice: () => number, ways: Ways, moodOf: readonly Mood[], volume: number) {
    this.#dice = dice
    this.#ways = ways
    this.#machine = new Machine(dice, volume)
    const wrong = (what: string): void => void this.problems.push(`${Date.now()} ${what}`)
    this.#fates = new Fates((queueId) => this.#envelopes.get(queueId), wrong)
    this.#fates.retries.push(noRouteRetry)
    this.#hosts = new ToyHosts(dice)
    for (const [i, host] of hostNames.entries()) this.#hosts.moods.set(host, moodOf[i] ?? 'healthy')
    this.#hosts.onNonsense = (host, line) => wrong(`${host} was told ${line}`)
    this.#hosts.onContent = (sent) => this.#expectContent(sent)
    network.hosts = this.#hosts
    this.#load()
  }

  #expect(holds: boolean, what: string): void {
    if (!holds) this.problems.push(`${Date.now()} ${what}`)
  }

  get #open(): Process {
    if (this.#now === undefined) throw new Error('no relay runs')
    return this.#now
  }

  get #mayReport(): boolean {
    return isWell(this.#machine.illness) && this.#machine.volume.others === 0
  }

  #load(): void {
    const routes = routesOf(this.#ways)
    this.#fates.retries.push(...routes.map(({ retry }) => retry))
    this.#loaded = loadedWith(routes, { suspended: this.#isSuspended, hostname: this.#ways.hostname })
  }

  #hear(fact: keyof Events, told: readonly unknown[]): void {
    this.#deeds++
    this.#fates.hear(fact, told)
    const [first, second] = [`${told[0]}`, `${told[1]}`]
    if (fact === 'bounced') this.#toReport(first, second, wantsFailure)
    if (fact === 'attempted') {
      const { queueId, forwardPath, outcome } = told[0] as Attempt
      if (outcome.kind === 'delivered') this.#toReport(queueId, forwardPath, wantsSuccess)
    }
    if (fact === 'dsnQueued')
      for (const path of this.#envelopes.get(second)?.reports?.forwardPaths ?? [])
        this.#unreported.delete(`${first} ${path}`)
    if (fact === 'spoolFault') this.#told.fault = true
    if (fact === 'spoolRecovered') {
      this.#expect(this.#told.fault, 'the disk works again, and nobody was told that it did not')
      this.#told.fault = false
    }
    this.#judge(fact, told)
  }

  #toReport(queueId: string, forwardPath: string, isAsked: typeof wantsFailure): void {
    const envelope = this.#envelopes.get(queueId)
    if (envelope === undefined || envelope.reversePath === '' || !isAsked(wishFor(envelope, forwardPath))) return
    this.#unreported.add(`${queueId} ${forwardPath}`)
  }

  #judge(fact: keyof Events, told: readonly unknown[]): void {
    // No fault of these leaves damage: what was promised is there whole, and what was not is swept.
    this.#expect(fact !== 'quarantined' && fact !== 'forgotten', `${fact}: ${told}`)
    this.#expect(fact !== 'notDeleted' || !this.#machine.isWhole, `${fact}: ${told}`)
    this.#expect(fact !== 'unreadable' || this.#machine.hadBadDisk, `${fact}: ${told}`)
    // A slow disk may not have taken what is left when a relay that is to end has no more time.
    const isTooLate = this.#machine.hadBadDisk && `${told[1]}`.endsWith(' is closed')
    const isExpected = told[0] === 'open-attempts' || !this.#machine.isWhole || isTooLate
    this.#expect(fact !== 'clockStepped' && (fact !== 'unexpected' || isExpected), `${fact}: ${told}`)
  }

  #expectContent({ queueId, content }: Sent): void {
    const submitted = this.#contents.get(queueId)
    const sent = `${content.replaceAll(/^\.\./gm, '.')}\r\n`
    this.#expect(submitted === undefined || submitted === sent, `${queueId} has another content`)
  }

  async begin(mayForget = false): Promise<void> {
    const found = await foundOn(this.#machine.losing)
    for (const [queueId, { envelope }] of found) {
      // What was on its way in when the process ended may be ours or not.
      if (!this.#envelopes.has(queueId) && envelope.reports === undefined) this.#fates.expect(envelope)
      this.#envelopes.set(queueId, envelope)
    }
    this.#fates.restarted(found, mayForget)
    this.#unreported.clear()
    const { ill, spool, events } = await this.#machine.open(this.#time, {
      begins: () => {
        this.#told.fault = false
      },
      hear: (fact, told) => this.#hear(fact, told),
      wrong: (what) => this.#expect(false, what),
    })
    const ids = [...spool.handles()].map((handle) => spool.outline(handle)?.queueId)
    this.#expect(
      ids.toSorted().join() === [...found.keys()].toSorted().join(),
      `found ${ids}, not ${[...found.keys()]}`,
    )
    spool.onQueued(({ envelope }) => this.#envelopes.set(envelope.queueId, envelope))
    const delivery = createDelivery({
      spool,
      events,
      loaded: () => this.#loaded,
      monotonic: Date.now,
      random: this.#dice,
      ...toyWorld(async (domain) => ({ kind: 'found', records: exchangersOf(domain, 'usual') })),
    })
    this.#now = { ill, spool, delivery }
    delivery.start()
  }

  #submitted(submitting: Promise<void>): void {
    this.#submitting.add(submitting)
    void submitting.finally(() => this.#submitting.delete(submitting))
  }

  async #submit({ credential, from, to, bytes }: Extract<Deed, { do: 'submit' }>): Promise<void> {
    const { spool } = this.#open
    const own = this.#machine.processes
    try {
      const incoming = await spool.receive()
      const { queueId } = incoming
      const content = contentFor(queueId, bytes)
      this.#contents.set(queueId, `${content}`)
      for (let at = 0; at < content.length; at += 16_384) await incoming.write(content.subarray(at, at + 16_384))
      const submitted = { credential, reversePath: from, forwardPaths: to, ...someWishes(to) }
      const { queueId: _, bytes: __, ...draft } = envelope(content, submitted)
      const taken = await incoming.commit({ ...draft, signingDomain: 'corp.test' })
      if (own === this.#machine.processes) this.#fates.expect(taken.envelope)
    } catch (error) {
      if (!(error instanceof SpoolError)) throw error
      if (own === this.#machine.processes) this.#expect(this.#machine.hadBadDisk, `${error.message}`)
    }
  }

  #reload(change: { ways?: Ways; isSuspended?: boolean }): void {
    this.#ways = change.ways ?? this.#ways
    this.#isSuspended = change.isSuspended ?? this.#isSuspended
    this.#load()
    this.#open.delivery.reload()
  }

  #cut(how: 'kill' | 'lose'): void {
    const cut = this.#open
    const submitting = [...this.#submitting]
    this.#submitting.clear()
    this.#machine.cut(how)
    for (const copy of this.#hosts.cut()) this.#fates.unheard(copy)
    this.#fates.explain(this.#hosts.copies)
    this.#now = undefined
    this.#machine.bury(cut, submitting)
  }

  async #restart({ graceMs, meanwhile, isCut }: Extract<Deed, { do: 'restart' }>): Promise<void> {
    const { delivery, spool } = this.#open
    let isClosed = false
    const began = Date.now()
    const closing = delivery.close(graceMs).then(async () => {
      const tookMs = Date.now() - began
      this.#expect(tookMs <= graceMs + lastMs, `a relay that had ${graceMs} ms ended after ${tookMs} ms`)
      // As the relay does: whoever submits is sent away before the spool is closed.
      while (this.#submitting.size > 0) await Promise.all(this.#submitting)
      return spool.close()
    })
    void closing.then(() => {
      isClosed = true
    })
    const own = this.#machine.processes
    for (const deed of meanwhile) {
      if (deed.do === 'wait') await this.#time.wait(deed.ms, () => isClosed)
      else if (!isClosed && own === this.#machine.processes) await this.do(deed)
    }
    if (!isCut) await this.#time.wait(longestAttemptMs, () => isClosed)
    this.#expect(isClosed || isCut || this.#machine.hadBadDisk, 'a relay does not end')
    if (isClosed) this.#expect(this.#hosts.allOpen === 0, 'a relay that stops leaves something open')
    const isSure = isClosed && !this.#machine.hadBadDisk
    this.#cut('kill')
    await this.begin(!isSure)
  }

  async do(deed: Deed): Promise<void> {
    switch (deed.do) {
      case 'submit':
        for (let n = 0; n < deed.times; n++) this.#submitted(this.#submit(deed))
        return
      case 'mood':
        return void this.#hosts.moods.set(deed.host, deed.mood)
      case 'disk':
        return this.#machine.setDisk(deed.is, Math.floor(deed.others * this.#machine.volume.all))
      case 'reload':
        return this.#reload({ ways: deed.ways })
      case 'suspend':
      case 'resume':
        return this.#reload({ isSuspended: deed.do === 'suspend' })
      case 'wait':
        await this.#time.wait(deed.ms)
        return this.#expectStatus()
      case 'halt':
        return this.#time.halt(deed.times, deed.turns)
      case 'kill':
      case 'lose':
        this.#cut(deed.do)
        return this.begin(true)
      case 'restart':
        return this.#restart(deed)
    }
  }

  /** At a moment when all that can happen has happened. */
  #expectStatus(): void {
    this.#fates.expectExplained(this.#hosts.copies)
    const { spool, delivery } = this.#open
    const { ready, deferred, inFlight } = delivery.summary()
    this.#expect(
      this.#machine.hadBadDisk || ready + deferred + inFlight === spool.size,
      `of ${spool.size} messages ${ready} are ready, ${deferred} deferred and ${inFlight} in flight`,
    )
  }

  /** Makes all well: from then on all mail has to leave, and nothing of it may be left. */
  async end(): Promise<void> {
    this.#hosts.moods.clear()
    this.#machine.setDisk(well, 0)
    const trust = this.#ways.trust.map(() => 'clear' as const)
    this.#reload({ ways: { ...this.#ways, takesAll: true, trust }, isSuspended: false })
    this.#fates.healthy = { since: Date.now(), latestMs }
    const { spool, delivery } = this.#open
    await this.#time.wait(1.2 * 3_600_000 + 2 * latestMs, () => spool.size === 0 && spool.fault === undefined)
    const { ready, deferred, inFlight } = delivery.summary()
    this.#expect(spool.size + ready + deferred + inFlight === 0, `${spool.size} messages are left`)
    await this.#time.wait(latestMs)
    this.#expect(
      spool.fault === undefined && !this.#told.fault,
      `the disk works, and the spool does not: ${spool.fault}`,
    )
    this.#expect(spool.claimed === 0, `an empty spool claims ${spool.claimed} octets`)
    const left = this.#machine.losing.paths.filter((path) => path.startsWith('/spool/large/') || path.endsWith('.tmp'))
    this.#expect(left.length === 0 || !this.#machine.isWhole, `files are left: ${left}`)
    this.#expect(this.#hosts.allOpen + vi.getTimerCount() === 0, `${vi.getTimerCount()} timers are left`)
    this.#fates.mayLoseReports ||= this.#machine.hadBadDisk
    this.#fates.judge(this.#hosts.copies)
    let isClosed = false
    void delivery
      .close(0)
      .then(() => spool.close())
      .then(() => {
        isClosed = true
      })
    await this.#time.wait(lastMs, () => isClosed)
    this.#expect(isClosed, 'a relay without mail does not end')
    const after = await foundOn(this.#machine.losing)
    this.#expect(after.size === 0, `the next start finds ${[...after.keys()]}`)
  }
}

test(`in ${stories} random stories on the journal no disk, kill or loss of power makes mail lost, changed, or reported twice (cases S01, S04, S10, S16, S25)`, {
  timeout: 3_600_000,
}, async () => {
  onTestFinished(() => void vi.useRealTimers())
  const moodOf = fc.array(fc.constantFrom(...moods), { minLength: hostNames.length, maxLength: hostNames.length })
  const volume = fc.constantFrom(ample, ample, 8_000_000)
  const holds = fc.asyncProperty(fc.nat(), ways, moodOf, volume, deeds, async (n, first, moodOf, octets, story) => {
    FakeHours.begin()
    const world = new World(seededRandom(n), first, moodOf, octets)
    await world.begin()
    for (const deed of story) await world.do(deed)
    await world.end()
    expect(world.problems).toEqual([])
  })
  await fc.assert(holds, { seed, numRuns: stories })
})
