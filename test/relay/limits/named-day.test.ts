/** The limit of a day that the store has named is handed out once, whatever day the relay's own clock says. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { RelayConfig } from '../../../relay/config.ts'
import { Allowances } from '../../../relay/limits/allowances.ts'
import { CurrentDay } from '../../../relay/limits/current-day.ts'
import { openQuotaFile } from '../../../relay/limits/quota-file.ts'
import type { Answer } from '../../../relay/limits/quota-script.ts'
import { dayMs } from '../../../relay/rules/utc-day.ts'
import { installed } from '../../local/programs.ts'
import { type Redis, startRedis } from '../../local/redis.ts'
import { until } from '../../local/until.ts'
import { policy } from '../policy.ts'
import { countingFleet, limited, storeAt } from './counting-fleet.ts'

const hour = 3_600_000
const daily = 100
const app = limited({ daily })

/**
 * A relay whose wall clock is wrong by `skew`, and a model of its store, which has a clock that is right and counts this relay's
 * recipients of the day, without a rate.
 */
function relayWithStore(skew: number) {
  const clocks = { true: 20_000 * dayMs + 12 * hour, wall: 20_000 * dayMs + 12 * hour + skew, monotonic: 0 }
  const store = { answers: false, day: 0, own: 0 }
  const given = new Map<number, number>()
  const config: { sharing: RelayConfig['sharing'] } = { sharing: { relays: 1, store: storeAt(1) } }
  const own = new Allowances({
    events: { quotaApproaching: () => undefined },
    index: 0,
    sharing: () => config.sharing,
    storeAnswers: () => store.answers,
    wall: () => clocks.wall,
    monotonic: () => clocks.monotonic,
  })
  const today = (): number => Math.floor(clocks.true / dayMs)

  /** Counts as the script of the store does: what a relay tells of an earlier day does not count for this one. */
  function ask(recipients: number): void {
    const told = own.standing(app.name)
    if (store.day !== today()) Object.assign(store, { day: today(), own: 0 })
    if (told.day === store.day && told.certain) store.own = told.own
    else if (told.day >= store.day) store.own = Math.max(store.own, told.own)
    const granted = Math.min(recipients, Math.max(0, daily - store.own))
    store.own += granted
    count(granted)
    const restOfDayMs = (store.day + 1) * dayMs - clocks.true
    const answer: Answer = { ...store, total: store.own, epoch: 'e', restOfDayMs, owedMs: 0, verdicts: [] }
    own.hear(app, told, answer)
  }
  const count = (recipients: number): void => void given.set(today(), (given.get(today()) ?? 0) + recipients)

  return {
    own,
    given,
    clocks,
    today,
    pass(ms: number): void {
      clocks.true += ms
      clocks.wall += ms
      clocks.monotonic += ms
    },
    /** The store is back, and is told the count of the relay. */
    connect(): void {
      store.answers = true
      ask(0)
    },
    leave(): void {
      store.answers = false
    },
    /** The policy no longer names a store. */
    remove(): void {
      store.answers = false
      config.sharing = { relays: 1 }
    },
    send(recipients: number): void {
      if (store.answers) ask(recipients)
      else for (let i = 0; i < recipients; i++) if (own.take(app, 1) === undefined) count(1)
    },
  }
}

test('however wrong the clock of a relay is or is set, and however often the store is away, the limit of each day is handed out once', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('send' as const), by: fc.integer({ min: 1, max: 120 }) }),
    fc.record({ do: fc.constant('pass' as const), by: fc.integer({ min: 1, max: 30 * 60 }) }),
    fc.record({ do: fc.constant('set' as const), by: fc.integer({ min: -3000, max: 3000 }) }),
    fc.record({ do: fc.constantFrom('leave' as const, 'connect' as const), by: fc.constant(0) }),
  )
  const skew = fc.oneof(fc.constant(0), fc.integer({ min: -3000, max: 3000 }))
  fc.assert(
    fc.property(skew, fc.array(step, { maxLength: 60 }), (minutes, steps) => {
      const one = relayWithStore(minutes * 60_000)
      one.connect()
      for (const { do: what, by } of steps) {
        if (what === 'send') one.send(by)
        else if (what === 'pass') one.pass(by * 60_000)
        else if (what === 'set') one.clocks.wall += by * 60_000
        else one[what]()
        expect(one.given.get(one.today()) ?? 0).toBeLessThanOrEqual(daily)
      }
    }),
    { numRuns: 500, seed: 46 },
  )
})

test.each([
  ['right', 0],
  ['behind', -5 * hour],
  ['ahead', 5 * hour],
  ['years behind', -9000 * dayMs],
])('while the store is away, its midnight still begins the next day, with the clock of the relay %s', (_name, skew) => {
  const one = relayWithStore(skew)
  one.connect()
  one.send(70)
  one.leave()
  one.pass(11.9 * hour)
  one.send(70)
  expect(one.own.peek(app, 1)?.reply.text).toContain('none left; come back in 6 min, at 00:00 UTC')
  const before = one.today()
  one.pass(0.1 * hour)
  one.send(70)
  one.pass(24 * hour)
  one.send(70)
  expect([...one.given]).toEqual([
    [before, 100],
    [before + 1, 70],
    [before + 2, 70],
  ])
  expect(one.own.usage(policy({ credentials: [app] }))).toMatchObject({ day: before + 2, credentials: [{ today: 70 }] })
})

test('the metric of a credential that used up its day, and has sent nothing since, is 0 once the next day of the store has begun', () => {
  const one = relayWithStore(5 * hour)
  const ratios = () => one.own.ratios(policy({ credentials: [app] }))
  one.connect()
  one.send(100)
  one.pass(11.9 * hour)
  expect(ratios()).toEqual([{ credential: app.name, ratio: 1 }])
  one.pass(0.2 * hour)
  expect(ratios()).toEqual([{ credential: app.name, ratio: 0 }])
  one.send(50)
  expect(ratios()).toEqual([{ credential: app.name, ratio: 0.5 }])
})

test.each([
  ['ahead', 5 * hour, 18],
  ['behind', -5 * hour, 4],
])('when a policy no longer names a store, a relay whose clock is %s goes by that once the day that the store named is over', (_name, skew, hours) => {
  const one = relayWithStore(skew)
  one.connect()
  one.send(100)
  one.remove()
  one.pass(11.9 * hour)
  expect(one.own.take(app, 1)).toBeDefined()
  one.pass(0.2 * hour)
  // Behind, its own day is still the one of which all was handed out.
  expect(one.own.take(app, 1) === undefined).toBe(skew > 0)
  one.send(100)
  one.pass(hours * hour)
  expect(one.own.take(app, 1)).toBeDefined()
  one.pass(hour)
  expect(one.own.take(app, 1)).toBeUndefined()
})

test.each([
  ['while the store is away', true],
  ['when the policy no longer names a store', false],
])('a relay that starts again %s goes on with the day that the store has named last, up to its end (case A19)', async (_name, hasStore) => {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-named-day-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const clocks = { wall: 20_000 * dayMs + 12 * hour, monotonic: 30 * dayMs }
  const [wall, monotonic] = [() => clocks.wall, () => clocks.monotonic]
  const file = () => openQuotaFile(join(folder, 'quotas'), expect.unreachable, { wall })
  const before = file()
  const day = new CurrentDay({ file: before, hasStore: () => true, wall, monotonic })
  day.name(19_999, 5 * hour, clocks.monotonic)
  // The clock of the store was set in between.
  day.name(19_999, 3 * hour, clocks.monotonic)
  await before.written
  // Clocks drift a little, for which nothing is written: mail waits for what is.
  clocks.wall += 900
  day.name(19_999, 3 * hour, clocks.monotonic)
  expect(before.written).toBeUndefined()
  await before.close()
  clocks.wall += hour - 900
  clocks.monotonic = 50
  const after = file()
  onTestFinished(() => after.close())
  const again = new CurrentDay({ file: after, hasStore: () => hasStore, wall, monotonic })
  expect(again.today).toEqual({ number: 19_999, restMs: 2 * hour })
  clocks.wall += 2 * hour
  clocks.monotonic += 2 * hour
  expect(again.today.number).toBe(20_000)
  expect(again.today.restMs).toBe(hasStore ? dayMs : 9 * hour)
})

describe.runIf(installed('redis-server'))('with a Redis', () => {
  let redis: Redis
  beforeAll(async () => {
    redis = await startRedis()
  })
  beforeEach(async () => void (await redis.command('FLUSHALL')))
  afterAll(() => redis.stop())

  const key = 'relayfleet:{mail/shared}:day'
  const counted = async (): Promise<number> => Number(await redis.command('HGET', key, 'all team/app'))

  /** A relay that counts in the Redis, with the number of messages that it has granted. */
  function relay(skew: number) {
    const clocks = { wall: Date.now() + skew, monotonic: 1000 }
    const one = countingFleet(storeAt(redis.port, { timeoutMs: 300 }), 1).relay(0, clocks)
    onTestFinished(() => redis.resume())
    let given = 0
    const send = async (messages: number): Promise<number> => {
      const taken = await one.taken(app, messages)
      given += taken
      return taken
    }
    /** The store hangs for as long as `meanwhile` takes; when it is back this waits until it has been told all. */
    async function absence(meanwhile: () => Promise<unknown>): Promise<void> {
      redis.pause()
      await send(1)
      await one.away()
      await meanwhile()
      redis.resume()
      await one.connected()
      await until('the store is told all', async () => (await counted()) === given)
    }
    const pass = (ms: number): void => {
      clocks.wall += ms
      clocks.monotonic += ms
    }
    const newDay = (): void => {
      given = 0
    }
    return { ...one, clocks, send, absence, pass, newDay, given: () => given }
  }

  test.each([
    ['is a day behind', -dayMs],
    ['is a day ahead', dayMs],
    ['is years ahead', 9000 * dayMs],
  ])('the store is away three times, and the clock of the relay %s: the daily limit is handed out once', async (_name, skew) => {
    const one = relay(skew)
    await one.connected()
    expect(await one.send(50)).toBe(50)
    for (let i = 0; i < 3; i++) await one.absence(() => one.send(15))
    expect(one.given()).toBe(98)
    await one.absence(() => one.send(100))
    expect(await one.send(100)).toBe(0)
    expect([one.given(), await counted()]).toEqual([100, 100])
  })

  test.each([
    ['is right', 0],
    ['is a day behind', -dayMs],
    ['is a day ahead', dayMs],
  ])('midnight comes while the store is away, and the clock of the relay %s: the limit of either day is handed out once', async (_name, skew) => {
    const one = relay(skew)
    await one.connected()
    expect(await one.send(90)).toBe(90)
    const { day } = one.own.standing(app.name)
    // The store begins its next day here; the relay hears of it only after the absence.
    const begin = `redis.call('DEL', KEYS[1]) redis.call('HSET', KEYS[1], 'day', ${day + 1}, 'epoch', 'e')`
    await redis.command('EVAL', begin, '1', key)
    await one.absence(async () => {
      expect(await one.send(100)).toBe(9)
      one.pass(dayMs)
      one.newDay()
      expect(await one.send(30)).toBe(30)
    })
    expect(one.own.standing(app.name)).toMatchObject({ day: day + 1, own: 30 })
    for (let i = 0; i < 2; i++) await one.absence(() => one.send(20))
    await one.absence(() => one.send(100))
    expect(await one.send(100)).toBe(0)
    expect([one.given(), await counted()]).toEqual([100, 100])
  })

  test.each([
    ['is a day behind', -dayMs],
    ['is a day ahead', dayMs],
  ])('a relay whose clock %s starts again each time the store is away: the daily limit is handed out once', async (_name, skew) => {
    const { relay: start } = countingFleet(storeAt(redis.port, { timeoutMs: 300 }), 1)
    onTestFinished(() => redis.resume())
    const wall = Date.now() + skew
    let given = 0
    for (let i = 0; i < 3; i++) {
      const first = start(0, { wall, monotonic: 1000 })
      await first.connected()
      given += await first.taken(app, 20)
      await first.fleet.close()
      redis.pause()
      const second = start(0, { wall, monotonic: 50 })
      await second.away()
      given += await second.taken(app, 30)
      redis.resume()
      await second.connected()
      await until('the store is told all', async () => (await counted()) === given)
      await second.fleet.close()
    }
    expect(given).toBe(100)
  })
})
