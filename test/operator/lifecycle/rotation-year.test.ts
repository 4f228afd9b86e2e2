/**
 * In simulated years of a credential no valid password is refused and no retired one is accepted, whatever happens: operators
 * die between any two of their writes, relays lag and go unheard, clocks are an hour off, and people delete Secrets, restore
 * old ones and change triggers. At each moment:
 *
 *   - whoever reads the Secret gets in at every relay that takes mail;
 *   - a password in use is not ended without a word, but only by its expiresAt, by a trigger, or for want of room in the status;
 *   - a key that was retired is never accepted again;
 *   - and in the end, once nothing more goes wrong, the key of the Secret is the active one, and not older than its time.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Heard, type Key, type KeyUse, pendingOf, type Rotation } from '../../../operator/lifecycle/keys.ts'
import { type InSecret, nextKeys, type Retired, withPending } from '../../../operator/lifecycle/rotate.ts'

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000]
const year = 365 * day
const start = Date.parse('2026-01-01T00:00:00Z')
/** The seed is fixed, so that everybody gets the same years. */
const seed = Number(process.env['RELAYFLEET_SEED'] ?? 20_261_127)
const runs = Number(process.env['RELAYFLEET_YEARS'] ?? 60)

type Relay = { accepted: ReadonlySet<string>; lags: boolean; isDeaf: boolean; offMs: number; uses: Map<string, number> }
/** A client with the password that it read last; it reads the Secret again, and sends mail, at these intervals. */
type Client = {
  key: string | undefined
  readEveryMs: number
  useEveryMs: number
  readAt: number
  useAt: number
  lastIn: number
}
type Operator = { made: string | undefined; offMs: number; told: Map<string, number>; upTo: number | undefined }

class World {
  now = start
  rotation: Rotation
  /** The keys in the status, which the API server keeps whatever happens. */
  recorded: readonly Key[] = []
  secret: InSecret | undefined
  operator: Operator | undefined
  readonly relays: Relay[]
  readonly clients: Client[]
  readonly retired = new Map<string, Retired['why']>()
  readonly wrongs: string[] = []
  #made = 0
  first: InSecret | undefined

  constructor(rotation: Rotation, relays: number, clients: readonly Client[]) {
    this.rotation = rotation
    this.clients = clients.map((c) => ({ ...c }))
    this.relays = Array.from({ length: relays }, () => ({
      accepted: new Set(),
      lags: false,
      isDeaf: false,
      offMs: 0,
      uses: new Map(),
    }))
    this.begin(0)
  }

  begin(offMs: number): void {
    this.operator = { made: undefined, offMs, told: new Map(), upTo: undefined }
  }

  newKey(): Pick<Key, 'id' | 'verifier'> {
    const id = ((++this.#made * 2_654_435_761) % 2 ** 32).toString(16).padStart(8, '0')
    return { id, verifier: `sha256:${id}` }
  }

  /** One look of the operator, which may die after its `writes`-th write. */
  look(writes = Number.POSITIVE_INFINITY): void {
    const { operator } = this
    if (operator === undefined) return
    let left = writes
    const may = (): boolean => left-- > 0
    const now = this.now + operator.offMs
    // A Secret that is gone is made at once, as the operator does it, in place of the newest key that is known.
    if (this.secret === undefined) {
      if (!may()) {
        this.die()
        return
      }
      const active = this.recorded.find((k) => k.state === 'Active')
      this.secret = { ...this.newKey(), ...(active !== undefined && { replaces: active.id }) }
    }
    this.first ??= this.secret
    const pending = pendingOf(this.recorded)
    const isReached = operator.made !== undefined && pending?.id === operator.made && this.#allAccept(pending.id)
    if (isReached && pending !== undefined) {
      if (!may()) {
        this.die()
        return
      }
      this.secret = { id: pending.id, verifier: pending.verifier }
    }
    const uses = new Map(
      [...operator.told].map(([id, at]): [string, KeyUse] => [id, { at: at + operator.offMs, network: 'n' }]),
    )
    const heard: Heard = { uses, upTo: operator.upTo === undefined ? undefined : operator.upTo + operator.offMs }
    const facts = {
      keys: this.recorded,
      rotation: this.rotation,
      secret: this.secret,
      atHand: operator.made,
      isReached: false,
      heard,
      now,
    }
    const step = nextKeys(facts)
    let { keys } = step
    if (step.act === 'make') {
      const key = this.newKey()
      operator.made = key.id
      keys = withPending(keys, key, this.rotation, now)
    }
    if (!may()) {
      this.die()
      return
    }
    this.recorded = keys
    for (const { key, why } of step.retired) this.retired.set(key.id, why)
    if (pendingOf(keys)?.id !== operator.made) operator.made = undefined
  }

  die(): void {
    this.operator = undefined
  }

  #allAccept(id: string): boolean {
    return this.relays.every((r) => r.accepted.has(id))
  }

  /** Every relay loads the recorded keys, except those that lag, which keep what they have and are not ready. */
  load(): void {
    for (const relay of this.relays) if (!relay.lags) relay.accepted = new Set(this.recorded.map((k) => k.id))
  }

  /** Each relay that answers tells by its own clock how long ago a key was used. */
  ask(): void {
    const { operator } = this
    if (operator === undefined) return
    for (const relay of this.relays.filter((r) => !r.isDeaf)) {
      for (const [id, at] of relay.uses) {
        const ago = this.now + relay.offMs - at
        operator.told.set(id, Math.max(operator.told.get(id) ?? 0, this.now - Math.max(0, ago)))
      }
    }
    if (this.relays.every((r) => !r.isDeaf)) operator.upTo = this.now
  }

  play(client: Client, dice: number): void {
    // A password that a person restored from a backup may have ended long ago.
    const isOurs = this.recorded.some((k) => k.verifier === this.secret?.verifier)
    if (this.now >= client.readAt && this.secret !== undefined && isOurs) {
      client.key = this.secret.id
      client.lastIn = this.now
      client.readAt = this.now + client.readEveryMs
    }
    if (client.key === undefined || this.now < client.useAt) return
    client.useAt = this.now + client.useEveryMs
    const relay = this.relays.filter((r) => !r.lags)[dice % this.relays.length] ?? this.relays.find((r) => !r.lags)
    if (relay === undefined) return
    if (relay.accepted.has(client.key)) {
      relay.uses.set(client.key, this.now + relay.offMs)
      client.lastIn = this.now
    } else this.#cutOff(client)
  }

  /** A client is refused, which is a fault unless its key was ended with a word, or was not used for as long as the overlap. */
  #cutOff(client: Client): void {
    const why = this.retired.get(client.key ?? '')
    const silence = this.now - client.lastIn
    const isTold = why === 'expired' || why === 'forced' || why === 'atOnce' || why === 'crowded'
    // The clock of an operator may be an hour off in either direction, which it can not know.
    const isSilent = why === 'unused' && silence >= this.rotation.overlapMs - 2 * hour - 2 * tick
    if (!isTold && !isSilent) this.wrongs.push(`${client.key} was cut off (${why}) after ${silence / hour} h`)
    client.readAt = this.now
  }

  judge(): void {
    const held = this.secret
    const isKnown = held !== undefined && this.recorded.some((k) => k.verifier === held.verifier)
    if (isKnown && this.recorded.find((k) => k.verifier === held.verifier)?.state !== undefined) {
      for (const r of this.relays.filter((r) => !r.lags)) {
        if (!r.accepted.has(held.id)) this.wrongs.push(`the Secret's ${held.id} is refused`)
      }
    }
    for (const { id } of this.recorded) if (this.retired.has(id)) this.wrongs.push(`${id} came back`)
    if (this.recorded.length > 8) this.wrongs.push(`${this.recorded.length} keys`)
  }
}

const tick = 30 * minute

type Mishap =
  | { readonly is: 'dies'; readonly writes: number; readonly backAfterMs: number; readonly offMs: number }
  | { readonly is: 'lags' | 'deaf'; readonly relay: number; readonly forMs: number }
  | { readonly is: 'clock'; readonly relay: number; readonly offMs: number }
  | { readonly is: 'deleted' | 'trigger' | 'restored' }

const offMs = fc.constantFrom(-hour, 0, hour)
const mishap: fc.Arbitrary<Mishap> = fc.oneof(
  fc.record({
    is: fc.constant('dies' as const),
    writes: fc.nat(3),
    backAfterMs: fc.constantFrom(0, minute, day, 9 * day),
    offMs,
  }),
  fc.record({
    is: fc.constantFrom('lags' as const, 'deaf' as const),
    relay: fc.nat(2),
    forMs: fc.constantFrom(hour, day, 20 * day),
  }),
  fc.record({ is: fc.constant('clock' as const), relay: fc.nat(2), offMs }),
  fc.record({ is: fc.constantFrom('deleted' as const, 'trigger' as const, 'restored' as const) }),
)

type History = typeof history extends fc.Arbitrary<infer H> ? H : never

const history = fc.record({
  rotation: fc.record({
    everyMs: fc.constantFrom(7 * day, 30 * day, 90 * day),
    overlapMs: fc.constantFrom(12 * hour, 2 * day, 6 * day),
  }),
  relays: fc.integer({ min: 1, max: 3 }),
  clients: fc.array(
    fc.record({
      readEveryMs: fc.constantFrom(hour, day, 20 * day, 400 * day),
      useEveryMs: fc.constantFrom(hour, 6 * hour, 30 * hour),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  mishaps: fc.array(fc.tuple(fc.nat(300), mishap), { maxLength: 25 }),
  dice: fc.infiniteStream(fc.nat(1000)),
})

function lived({ rotation, relays, clients, mishaps, dice }: History): World {
  const world = new World(
    { ...rotation, trigger: '' },
    relays,
    clients.map((c) => ({
      ...c,
      key: undefined,
      readAt: start,
      useAt: start,
      lastIn: start,
    })),
  )
  const due: Due[] = mishaps.map(([onDay, its]) => ({
    at: start + (onDay + 1) * day,
    act: () => befall(world, its, due),
  }))
  for (; world.now < start + year; world.now += tick) {
    for (const one of due.filter((d) => d.at <= world.now)) {
      due.splice(due.indexOf(one), 1)
      one.act()
    }
    world.ask()
    world.look()
    world.load()
    world.judge()
    for (const client of world.clients) world.play(client, dice.next().value ?? 0)
  }
  return world
}

type Due = { readonly at: number; readonly act: () => void }

function befall(world: World, its: Mishap, due: Due[]): void {
  const later = (ms: number, act: () => void): void => void due.push({ at: world.now + ms, act })
  switch (its.is) {
    case 'dies':
      world.look(its.writes)
      world.die()
      later(its.backAfterMs, () => {
        if (world.operator === undefined) world.begin(its.offMs)
      })
      return
    case 'lags':
    case 'deaf': {
      const relay = world.relays[its.relay % world.relays.length]
      if (relay === undefined) return
      const field = its.is === 'lags' ? 'lags' : 'isDeaf'
      relay[field] = true
      later(its.forMs, () => {
        relay[field] = false
      })
      return
    }
    case 'clock': {
      const relay = world.relays[its.relay % world.relays.length]
      if (relay === undefined) return
      // The times that the relay has noted move with its clock; a restart in between would leave them an hour off, which the slack allows.
      const by = its.offMs - relay.offMs
      for (const [id, at] of relay.uses) relay.uses.set(id, at + by)
      relay.offMs = its.offMs
      return
    }
    case 'deleted':
      world.secret = undefined
      return
    case 'restored':
      // A backup has the oldest password there ever was.
      world.secret = world.first
      return
    case 'trigger':
      world.rotation = { ...world.rotation, trigger: `t${world.now}` }
      return
  }
}

test(`in ${runs} random years no valid password is refused, and no retired one is accepted`, () => {
  let rotations = 0
  fc.assert(
    fc.property(history, (its) => {
      const world = lived(its)
      rotations += world.retired.size
      expect(world.wrongs).toEqual([])
      const active = world.recorded.find((k) => k.state === 'Active')
      expect(world.secret?.verifier).toBe(active?.verifier)
      // The last weeks were without mishaps, so every rotation that was due is over, but for a Pending key at most.
      const age = world.now - Date.parse(active?.createdAt ?? '')
      expect(age).toBeLessThanOrEqual(its.rotation.everyMs + 3 * hour)
      expect(world.recorded.length).toBeLessThanOrEqual(4)
    }),
    { seed, numRuns: runs },
  )
  // Without rotations the test would prove nothing.
  expect(rotations).toBeGreaterThan(runs * 2)
}, 120_000)
