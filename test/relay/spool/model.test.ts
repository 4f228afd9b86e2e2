/** After any deeds, faults, kills and losses of power, in any order, each start of a spool finds what a plain map says that it may find. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { QueuedMessage, RecipientState } from '../../../relay/mail/envelope.ts'
import { JournalSpool } from '../../../relay/spool/journal-spool.ts'
import { SpoolError } from '../../../relay/spool/spool.ts'
import { seededRandom } from '../../local/seeded-random.ts'
import { until } from '../../local/until.ts'
import { accept, type Draft, messagesOf, pending } from './contents.ts'
import { LosingDisk } from './losing-disk.ts'
import { listening, octets } from './samples.ts'
import { contentFor } from './scenario.ts'
import { whimsical } from './whimsical.ts'

const long = process.env['RELAYFLEET_LONG'] === '1'
const lives = long ? 3000 : 50
/** How long is waited for what takes milliseconds on a machine at rest. */
const patienceMs = 20_000
const seed = Number(process.env['RELAYFLEET_SEED'] ?? 20_261_129)

/** Sizes of contents: small ones, so that there is always something to clean, and ones around the size that gets a file of its own. */
const bytes = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(0, 1, 300, 998, 1500) },
  { weight: 1, arbitrary: fc.constantFrom(16_384, 131_071, 131_072, 131_073, 140_000) },
)
const recipients = fc.constantFrom(1, 2, 2, 2, 5, 70, 200)

type Deed =
  | { readonly do: 'accept'; readonly bytes: number; readonly recipients: number }
  | { readonly do: 'defer' | 'deliver' | 'report' | 'remove' | 'read'; readonly which: number }
type Cut = { readonly end: 'kill' | 'lose'; readonly after: number }
/** Many deeds at once; a kill or a loss of power comes `after` so many turns of the event loop since they began. */
type Step = {
  readonly deeds: readonly Deed[]
  readonly faults: number
  readonly end: 'none' | 'close' | 'kill' | 'lose'
  readonly after: number
  /** Starts that are cut short, too, before the one that is not. */
  readonly cuts: readonly Cut[]
  /** A call that fails all the time in one folder, also at the first starts after that. */
  readonly ill: string | undefined
  /** How much of a small volume's room somebody else takes meanwhile. */
  readonly others: number
}

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('accept' as const), bytes, recipients }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('defer', 'deliver', 'report', 'remove', 'remove', 'read'),
      which: fc.nat({ max: 1000 }),
    }),
  },
)
const ills = ['write', 'sync', 'rename', 'unlink', 'create', 'open', 'read', 'size'].flatMap((call) =>
  ['journal', 'large'].map((folder) => `${call} ${folder}`),
)
const step: fc.Arbitrary<Step> = fc.record({
  deeds: fc.array(deed, { maxLength: 8 }),
  faults: fc.constantFrom(0, 0, 0, 0.02, 0.2),
  end: fc.constantFrom('none', 'none', 'none', 'close', 'kill', 'lose'),
  after: fc.nat({ max: 60 }),
  cuts: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    fc.array(fc.record({ end: fc.constantFrom('kill' as const, 'lose' as const), after: fc.nat({ max: 90 }) }), {
      maxLength: 3,
    }),
  ),
  ill: fc.oneof(
    { weight: 4, arbitrary: fc.constant(undefined) },
    fc.constantFrom(...ills, 'truncate journal', 'openToWrite journal', 'syncDirectory journal', 'space spool'),
  ),
  others: fc.constantFrom(0, 0, 0, 0.5, 0.9, 1),
})

type States = readonly RecipientState[]
type Known = {
  readonly bytes: number
  /** `maybe`: a deed that would end it, or make it ours, was cut short or refused. */
  presence: 'ours' | 'maybe' | 'gone'
  /** The states of its recipients that are durable, and those that were asked for last. */
  least: States
  most: States
  /** One deed at a time for each message, as delivery does. */
  isBusy: boolean
  /** It was ours at one time. */
  wasOurs: boolean
  /** DSNs, by the recipient that they report; one that never was ours reports nobody. */
  readonly dsns: Map<number, readonly string[]>
}

class Life {
  readonly #dice: () => number
  readonly #volume: LosingDisk['octets']
  #known = new Map<string, Known>()
  /** What the process that is there now has refused: as soon as it accepts another message, none of these may come back. */
  #refused: Known[] = []
  #losing = new LosingDisk()
  #spool: JournalSpool | undefined
  #failures = 0
  #ill: string | undefined
  /** There was no loss of power and no fault yet that may have left half of anything. */
  #isWhole = true
  #count = 0

  constructor(dice: () => number, volume: LosingDisk['octets']) {
    this.#dice = dice
    this.#volume = volume
    this.#losing.octets = volume
  }

  async step({ deeds, faults, end, after, cuts, ill, others }: Step): Promise<void> {
    if (this.#volume !== undefined) this.#volume.others = Math.floor(others * this.#volume.all)
    const isLosing = end === 'lose' || cuts.some((cut) => cut.end === 'lose')
    if (faults > 0 || ill !== undefined || isLosing) this.#isWhole = false
    this.#failures = faults
    this.#ill = ill
    const acting = Promise.all(deeds.map((one) => this.#do(one).catch(unlessOfTheSpool)))
    if (end === 'kill' || end === 'lose') {
      for (let n = 0; n < after; n += 1) await new Promise((resolve) => setImmediate(resolve))
      await this.#break(end, acting)
    } else await acting
    this.#failures = 0
    for (const known of this.#known.values()) known.isBusy = false
    if (end === 'none') {
      this.#ill = undefined
      return
    }
    await this.end()
    for (const cut of cuts) await this.#cutShort(cut)
    await this.begin(end === 'close' ? 0 : faults / 4)
  }

  /** A start that is killed, or loses power, while it reads and mends what is there. */
  async #cutShort({ end, after }: Cut): Promise<void> {
    const { opening } = this.#opening()
    const closed = opening.then((spool) => spool.close()).catch(() => undefined)
    for (let n = 0; n < after; n += 1) await new Promise((resolve) => setImmediate(resolve))
    await this.#break(end, closed)
  }

  #opening() {
    const { events, lines } = listening()
    // ENOSPC is no error of a start here: that a full disk may leave unsynced what was found is decided (see newest-segment.ts).
    const codes = () => (this.#spool === undefined ? ['EIO', 'EMFILE', 'ENOMEM'] : ['EIO', 'EMFILE', 'ENOSPC', 'EROFS'])
    const [failures, ill] = [() => this.#failures, () => this.#ill]
    const disk = whimsical(this.#losing.disk, { dice: this.#dice, failures, codes, ill })
    const parts = { directory: '/spool', events, now: Date.now, disk, segmentBytes: 2000, tryAgainMs: 1 }
    return { lines, opening: JournalSpool.open({ ...parts, closed: () => {} }) }
  }

  /** The disk as it is left at this moment is that of the next start; what is still done on this one does not count. */
  async #break(how: 'kill' | 'lose', acting: Promise<unknown>): Promise<void> {
    const dice = this.#dice
    const known = new Map([...this.#known].map(([id, k]) => [id, { ...k, dsns: new Map(k.dsns) }]))
    const { deeds } = this.#losing
    const luck = () => (['none', 'all', 'some'] as const)[Math.floor(dice() * 3)] ?? 'some'
    const next =
      how === 'kill'
        ? this.#losing.killedAfter(deeds.length)
        : new LosingDisk(this.#losing.after(deeds.length, { data: luck(), names: luck(), dice }))
    await acting
    this.#losing = next
    this.#losing.octets = this.#volume
    this.#known = known
  }

  async begin(faults = 0): Promise<void> {
    for (let tries = 0; this.#spool === undefined; tries += 1) {
      this.#failures = tries < 3 ? faults : 0
      if (tries === 3) this.#ill = undefined
      const { opening, lines } = this.#opening()
      const opened = await opening.catch((error: unknown) => {
        if (this.#failures === 0 && this.#ill === undefined) throw error
      })
      this.#failures = 0
      if (opened === undefined) continue
      if (this.#isWhole) expect(lines.filter((line) => /^(quarantined|forgotten)/.test(line))).toEqual([])
      this.#spool = opened
    }
    this.#ill = undefined
    // The first look may share a call that began before and still fails; the second one does not.
    const messages = await messagesOf(this.#spool).catch(() => messagesOf(this.#open))
    const found = new Map(messages.map((m) => [m.envelope.queueId, m]))
    expect([...found.keys()].filter((id) => !this.#known.has(id))).toEqual([])
    for (const id of found.keys()) this.#knownAs(id).wasOurs = true
    for (const [id, known] of this.#known) await this.#compare(id, known, found.get(id))
  }

  /** Nobody else takes room any more: all messages can leave, one by one, and leave nothing behind that takes room. */
  async drain(): Promise<void> {
    if (this.#volume !== undefined) this.#volume.others = 0
    const spool = this.#open
    const end = performance.now() + patienceMs
    for (const { envelope } of await messagesOf(spool))
      while (spool.has(envelope.queueId)) {
        if (performance.now() > end) throw new Error(`${envelope.queueId} can not leave: ${spool.fault}`)
        await this.#remove(envelope.queueId, this.#knownAs(envelope.queueId)).catch(unlessOfTheSpool)
        await new Promise((resolve) => setImmediate(resolve))
      }
    for (let isTaken = false; !isTaken; ) {
      if (performance.now() > end) throw new Error(`an empty spool takes no mail: ${spool.fault}`)
      isTaken = await this.#accept(300, 1).then(
        () => true,
        (error: unknown) => unlessOfTheSpool(error) ?? false,
      )
      await new Promise((resolve) => setImmediate(resolve))
    }
    const segments = () => this.#losing.paths.filter((path) => path.startsWith('/spool/journal/'))
    await until('the segments that nobody needs are gone', () => segments().length < 9, patienceMs)
  }

  #isReported({ dsns }: Known, recipient: number): boolean {
    return dsns.get(recipient)?.some((dsn) => this.#known.get(dsn)?.wasOurs) === true
  }

  /** The states as delivery knows them: a recipient whose DSN was refused is still pending. */
  #asReported(known: Known): States {
    return known.most.map((r, i) =>
      r.state === 'bounced' && !this.#isReported(known, i) ? { ...r, state: 'pending' } : r,
    )
  }

  #knownAs(id: string): Known {
    const known = this.#known.get(id)
    if (known === undefined) throw new Error(`${id} is not known to the model`)
    return known
  }

  async end(): Promise<void> {
    await this.#spool?.close()
    this.#spool = undefined
    this.#refused = []
  }

  get #open(): JournalSpool {
    if (this.#spool === undefined) throw new Error('the spool is not open')
    return this.#spool
  }

  /** Compares a message with what is known of it. What a start finds is what has to be found from then on. */
  async #compare(id: string, known: Known, message: QueuedMessage | undefined): Promise<void> {
    if (known.presence === 'ours' && message === undefined)
      expect(
        known.least.filter(({ state }, i) => state === 'pending' && !this.#isReported(known, i)),
        `${id} was acknowledged and is lost`,
      ).toEqual([])
    if (known.presence === 'gone') expect(message, `${id} was ended and is back`).toBeUndefined()
    known.presence = message === undefined ? 'gone' : 'ours'
    if (message === undefined) return
    for (const [i, { state, attempts }] of message.recipients.entries()) {
      const [least, most] = [known.least[i], known.most[i]]
      const reported = this.#isReported(known, i) ? ['bounced'] : []
      const may = least?.state === 'pending' ? [least.state, most?.state, ...reported] : [least?.state]
      expect(may, `${id}, recipient ${i}`).toContain(state)
      if (state === 'bounced') expect(this.#isReported(known, i), `${id}, recipient ${i} is reported`).toBe(true)
      // On a full volume a state that only defers may be forgotten.
      if (this.#volume === undefined)
        expect(attempts, `${id}, recipient ${i}`).toBeGreaterThanOrEqual(least?.attempts ?? 0)
    }
    known.least = message.recipients
    known.most = message.recipients
    await this.#read(id, known)
  }

  async #read(id: string, { bytes }: Known): Promise<void> {
    const content = await octets(this.#open.content(id))
    expect(content.equals(contentFor(id, bytes)), `the content of ${id}`).toBe(true)
  }

  async #do(one: Deed): Promise<void> {
    if (one.do === 'accept') return this.#accept(one.bytes, one.recipients)
    const free = [...this.#known].filter(([, known]) => known.presence === 'ours' && !known.isBusy)
    const [id, known] = free[one.which % free.length] ?? []
    if (id === undefined || known === undefined) return
    known.isBusy = true
    if (one.do === 'remove') await this.#remove(id, known)
    else if (one.do === 'report') await this.#report(id, known)
    else if (one.do === 'read') await this.#read(id, known)
    else
      await this.#record(
        id,
        known,
        one.do === 'defer' ? deferred(this.#asReported(known)) : delivered(this.#asReported(known)),
      )
    known.isBusy = false
  }

  get #nextId(): string {
    this.#count += 1
    return `m${String(this.#count).padStart(9, '0')}`
  }

  async #accept(bytes: number, recipients: number, queueId = this.#nextId, rest: Partial<Draft> = {}): Promise<void> {
    const forwardPaths = Array.from({ length: recipients }, (_, i) => `user${i}@other.example`)
    const untried = forwardPaths.map(pending)
    const [least, most] = [untried, untried]
    const known: Known = { bytes, presence: 'maybe', least, most, isBusy: true, wasOurs: false, dsns: new Map() }
    this.#known.set(queueId, known)
    const refused = [...this.#refused]
    const wanted = { queueId, draft: { forwardPaths, ...rest } }
    await accept(this.#open, contentFor(queueId, bytes), wanted).catch((error: unknown) => {
      this.#refused.push(known)
      throw error
    })
    for (const one of refused) one.presence = 'gone'
    known.presence = 'ours'
    known.wasOurs = true
    known.isBusy = false
  }

  async #record(id: string, known: Known, states: States): Promise<void> {
    known.most = states
    if (states.every(({ state }) => state !== 'pending')) known.presence = 'maybe'
    await this.#open.record(id, states)
    known.least = states
  }

  async #remove(id: string, known: Known): Promise<void> {
    known.presence = 'maybe'
    await this.#open.remove(id)
    known.presence = 'gone'
  }

  /** Gives some recipients up as delivery does: first the DSN, then the state or the removal. */
  async #report(id: string, known: Known): Promise<void> {
    const before = this.#asReported(known)
    const open = before.flatMap(({ state }, i) => (state === 'pending' ? [i] : []))
    const some = open.slice(0, this.#dice() < 0.5 ? 1 : open.length)
    if (some.length === 0) return
    known.most = closedAt(before, some)
    const isLast = some.length === open.length
    const dsn = this.#nextId
    for (const i of some) known.dsns.set(i, [...(known.dsns.get(i) ?? []), dsn])
    const forwardPaths = some.map((i) => known.most[i]?.forwardPath ?? '')
    const bytes = this.#dice() < 0.2 ? 131_073 : 300
    await this.#accept(bytes, 1, dsn, { reversePath: '', reports: { queueId: id, forwardPaths } })
    known.least = closedAt(known.least, some)
    if (isLast) await this.#remove(id, known)
    // Otherwise the state comes with a later attempt, or never: the DSN is enough.
    else if (this.#dice() < 0.5) await this.#record(id, known, known.most)
  }
}

const deferred = (states: States): States =>
  states.map((r) => (r.state === 'pending' ? { ...r, attempts: r.attempts + 1 } : r))

/** Delivers to the first half of the pending recipients. */
function delivered(states: States): States {
  const half = states.filter(({ state }) => state === 'pending').slice(0, Math.ceil(states.length / 2))
  return deferred(states).map((r, i) => (half.includes(states[i] ?? r) ? { ...r, state: 'delivered' } : r))
}

const closedAt = (states: States, which: readonly number[]): States =>
  states.map((r, i) => (which.includes(i) ? { ...r, state: 'bounced' } : r))

function unlessOfTheSpool(error: unknown): void {
  if (!(error instanceof SpoolError)) throw error
}

test(`in ${lives} lives of deeds, faults, kills and losses of power each start finds what a plain map says (cases S01, S10, S16)`, {
  timeout: 3_600_000,
}, async () => {
  const life = fc.asyncProperty(
    fc.array(step, { minLength: 3, maxLength: 40, size: 'max' }),
    fc.nat(),
    fc.constantFrom(undefined, 300_000, 600_000),
    async (steps, n, octets) => {
      const life = new Life(seededRandom(n), octets && { all: octets, others: 0 })
      await life.begin()
      for (const one of steps) await life.step(one)
      await life.drain()
      await life.end()
      await life.begin()
      await life.end()
    },
  )
  await fc.assert(life, { numRuns: lives, seed })
})
