/** Random stories of captured mail on a disk that is slow, silent, full, ill or lost: each is in the inbox once and whole, or waits. */
import fc from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createDelivery } from '../../../relay/delivery/delivery.ts'
import type { Events } from '../../../relay/events.ts'
import type { Envelope } from '../../../relay/mail/envelope.ts'
import { SpoolError } from '../../../relay/spool/spool.ts'
import { seededRandom } from '../../local/seeded-random.ts'
import { type Deed, deeds } from './captures-stories.ts'
import { FakeHours } from './fake-hours.ts'
import { foundOn, well } from './ill-disk.ts'
import { contentFor } from './journal-stories.ts'
import { ample, Machine, type Process } from './machine.ts'
import { envelope, loadedWith } from './samples.ts'
import { lastMs, toyWorld } from './toy-world.ts'

const long = process.env['RELAYFLEET_LONG'] === '1'
const stories = long ? 3000 : 60
const seed = Number(process.env['RELAYFLEET_SEED'] ?? 20_261_203)

/** The longest wait between two tries, and what a message of the longest queue may wait for the others. */
const latestMs = 600_000

class World {
  readonly problems: string[] = []
  readonly #dice: () => number
  readonly #machine: Machine
  readonly #time = new FakeHours(
    () => this.#deeds + this.#machine.deeds,
    () => this.#machine.isBusy,
  )
  #deeds = 0
  #now: Process | undefined
  /** A fault of the inbox was told, and its end was not. */
  #isFaulty = false
  /** Names that were not synced may have gone: of the two of a message the later one may be there alone. */
  #lostPower = false
  /** Messages that are captured, as this process has told. */
  readonly #captured = new Set<string>()
  /** Acknowledged. */
  readonly #ours = new Map<string, Envelope>()
  readonly #contents = new Map<string, Buffer>()
  readonly #submitting = new Set<Promise<void>>()

  constructor(dice: () => number, volume: number) {
    this.#dice = dice
    this.#machine = new Machine(dice, volume)
  }

  #expect(holds: boolean, what: string): void {
    if (!holds) this.problems.push(`${Date.now()} ${what}`)
  }

  get #open(): Process {
    if (this.#now === undefined) throw new Error('no relay runs')
    return this.#now
  }

  #hear(fact: keyof Events, told: readonly unknown[]): void {
    this.#deeds++
    const queueId = `${told[0]}`
    if (fact === 'captured') {
      this.#expect(!this.#captured.has(queueId), `${queueId} is captured twice in one life of the relay`)
      this.#captured.add(queueId)
      this.#expect(this.#isInInbox(queueId), `${queueId} is told as captured, and is not there`)
    }
    this.#expect(fact !== 'finished' || this.#captured.has(queueId), `${queueId} ends, and is not captured`)
    if (fact === 'inboxFault' || fact === 'inboxRecovered') {
      this.#expect(this.#isFaulty === (fact === 'inboxRecovered'), `${fact} is told twice`)
      this.#expect(this.#machine.hadBadDisk, `${fact} on a disk that works: ${told}`)
      this.#isFaulty = fact === 'inboxFault'
    }
    const never: readonly string[] = ['quarantined', 'forgotten', 'bounced', 'discarded', 'dsnQueued', 'attempted']
    this.#expect(!never.includes(fact), `${fact}: ${told}`)
    const isExpected = told[0] === 'open-attempts' || !this.#machine.isWhole || this.#machine.hadBadDisk
    this.#expect(fact !== 'unexpected' || isExpected, `${fact}: ${told}`)
  }

  /** Both files are whole, on the disk as it is now. */
  #isInInbox(queueId: string): boolean {
    const files = this.#machine.losing.files
    const [content, description] = ['eml', 'json'].map((ending) => files.get(`/data/inbox/${queueId}.${ending}`))
    if (content === undefined || description === undefined) return false
    this.#expect(this.#contents.get(queueId)?.equals(content) ?? false, `${queueId} has another content in the inbox`)
    const { envelope } = JSON.parse(`${description}`) as { envelope: Envelope }
    const isSame = JSON.stringify(envelope) === JSON.stringify(this.#ours.get(queueId) ?? envelope)
    this.#expect(isSame, `${queueId} has another envelope in the inbox`)
    return true
  }

  /** Whatever was acknowledged is in the queue, or in the inbox as a whole; and what lists in the inbox is whole. */
  async #judge(): Promise<ReadonlySet<string>> {
    const found = new Set((await foundOn(this.#machine.losing)).keys())
    for (const queueId of this.#ours.keys())
      this.#expect(found.has(queueId) || this.#isInInbox(queueId), `${queueId} is neither queued nor captured`)
    for (const path of this.#machine.losing.paths) {
      const [, queueId = ''] = /^\/data\/inbox\/(.*)\.json$/.exec(path) ?? []
      const mayBeHalf = queueId === '' || (this.#lostPower && found.has(queueId))
      this.#expect(mayBeHalf || this.#isInInbox(queueId), `${path} describes half a message`)
    }
    return found
  }

  async begin(): Promise<void> {
    const found = await this.#judge()
    this.#captured.clear()
    this.#isFaulty = false
    const { ill, spool, events } = await this.#machine.open(this.#time, {
      hear: (fact, told) => this.#hear(fact, told),
      wrong: (what) => this.#expect(false, what),
    })
    for (const handle of spool.handles())
      this.#expect(found.has(spool.outline(handle)?.queueId ?? ''), 'one is too many')
    this.#expect(spool.size === found.size, `of ${found.size} messages ${spool.size} are found`)
    const delivery = createDelivery({
      spool,
      events,
      loaded: () => loadedWith([]),
      monotonic: Date.now,
      random: this.#dice,
      ...toyWorld(async () => ({ kind: 'found', records: [] })),
      inboxDirectory: '/data/inbox',
      inboxDisk: ill.disk,
    })
    this.#now = { ill, spool, delivery }
    delivery.start()
  }

  async #submit({ credential, to, bytes }: Extract<Deed, { do: 'submit' }>): Promise<void> {
    const { spool } = this.#open
    const own = this.#machine.processes
    try {
      const incoming = await spool.receive()
      const { queueId } = incoming
      const content = contentFor(queueId, bytes)
      this.#contents.set(queueId, content)
      for (let at = 0; at < content.length; at += 16_384) await incoming.write(content.subarray(at, at + 16_384))
      const forwardPaths = Array.from({ length: to }, (_, n) => `${n}@x.test`)
      const {
        queueId: _,
        bytes: __,
        ...draft
      } = envelope(content, { credential, forwardPaths, disposition: 'capture' })
      const taken = await incoming.commit(draft)
      if (own === this.#machine.processes) this.#ours.set(queueId, taken.envelope)
    } catch (error) {
      if (!(error instanceof SpoolError)) throw error
      if (own === this.#machine.processes) this.#expect(this.#machine.hadBadDisk, `${error.message}`)
    }
  }

  #cut(how: 'kill' | 'lose'): void {
    const cut = this.#open
    const submitting = [...this.#submitting]
    this.#submitting.clear()
    if (how === 'lose') this.#lostPower = true
    this.#machine.cut(how)
    this.#now = undefined
    this.#machine.bury(cut, submitting)
  }

  async #restart(): Promise<void> {
    const { delivery, spool } = this.#open
    let isClosed = false
    const closing = delivery.close(30_000).then(async () => {
      while (this.#submitting.size > 0) await Promise.all(this.#submitting)
      return spool.close()
    })
    void closing.then(() => {
      isClosed = true
    })
    await this.#time.wait(30_000 + lastMs, () => isClosed)
    this.#expect(isClosed || this.#machine.hadBadDisk, 'a relay does not end')
    this.#cut('kill')
    await this.begin()
  }

  async do(deed: Deed): Promise<void> {
    switch (deed.do) {
      case 'submit':
        for (let n = 0; n < deed.times; n++) {
          const submitting = this.#submit(deed)
          this.#submitting.add(submitting)
          void submitting.finally(() => this.#submitting.delete(submitting))
        }
        return
      case 'disk':
        return this.#machine.setDisk(deed.is, Math.floor(deed.others * this.#machine.volume.all))
      case 'wait':
        return this.#time.wait(deed.ms)
      case 'halt':
        return this.#time.halt(deed.times, deed.turns)
      case 'kill':
      case 'lose':
        this.#cut(deed.do)
        return this.begin()
      case 'restart':
        return this.#restart()
    }
  }

  /** Makes all well: from then on all mail has to come into the inbox, and nothing else may be there. */
  async end(): Promise<void> {
    this.#machine.volume.all = ample
    this.#machine.setDisk(well, 0)
    const { spool, delivery } = this.#open
    await this.#time.wait(latestMs, () => spool.size === 0 && spool.fault === undefined && this.#submitting.size === 0)
    const { ready, deferred, inFlight } = delivery.summary()
    this.#expect(spool.size + ready + deferred + inFlight === 0, `${spool.size} messages are left`)
    this.#expect(!this.#isFaulty, 'a fault of the inbox is over, and that is not told')
    await this.#judge()
    const names = this.#machine.losing.paths
      .filter((path) => path.startsWith('/data/inbox/'))
      .map((path) => path.slice(12))
    const whole = [...this.#ours.keys()].flatMap((queueId) => [`${queueId}.eml`, `${queueId}.json`])
    const others = names.filter((name) => !whole.includes(name) && !this.#contents.has(name.split('.')[0] ?? ''))
    this.#expect(others.length === 0, `in the inbox are ${others}`)
    this.#expect(
      names.every((name) => /^\w+\.(eml|json)$/.test(name)),
      `in the inbox are ${names}`,
    )
    let isClosed = false
    void delivery
      .close(0)
      .then(() => spool.close())
      .then(() => {
        isClosed = true
      })
    await this.#time.wait(lastMs, () => isClosed)
    this.#expect(isClosed, 'a relay without mail does not end')
  }
}

test(`in ${stories} random stories no disk, kill or loss of power makes captured mail lost, cut, or captured twice (cases S01, S10, S16)`, {
  timeout: 3_600_000,
}, async () => {
  onTestFinished(() => void vi.useRealTimers())
  const volume = fc.constantFrom(ample, ample, 4_000_000)
  const holds = fc.asyncProperty(fc.nat(), volume, deeds, async (n, octets, story) => {
    FakeHours.begin()
    const world = new World(seededRandom(n), octets)
    await world.begin()
    for (const deed of story) await world.do(deed)
    await world.end()
    expect(world.problems).toEqual([])
  })
  await fc.assert(holds, { seed, numRuns: stories })
})
