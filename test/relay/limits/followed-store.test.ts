/** A reload moves the counts of a relay to the store that its policy names by then, and leaves the one before. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { installed } from '../../local/programs.ts'
import { type Redis, startRedis } from '../../local/redis.ts'
import { until } from '../../local/until.ts'
import { policy } from '../policy.ts'
import { countingFleet, limited, storeAt } from './counting-fleet.ts'

describe.runIf(installed('redis-server'))('with a Redis', () => {
  let redis: Redis
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  /** The databases that anybody is connected to, but for who asks. */
  const connected = async (): Promise<readonly string[]> =>
    String(await redis.command('CLIENT', 'LIST'))
      .split('\n')
      .filter((line) => / cmd=/.test(line) && !line.includes('cmd=client|list'))
      .map((line) => / db=(\d+) /.exec(line)?.[1] ?? '')

  const naming = (database: number) => ({
    config: policy({ sharing: { relays: 1, store: storeAt(redis.port, { database }) } }),
    hash: '',
    files: new Map<string, string>(),
  })

  test('a relay counts in the store that a reload names, keeps the connection where that is the same, and hands out shares where there is none', async () => {
    const [a] = countingFleet(storeAt(redis.port), 1).relays()
    const app = limited({ daily: 100 })
    expect(await a?.taken(app, 5)).toBe(5)
    a?.fleet.follow(naming(0))
    expect(a?.fleet.answers).toBe(true)
    expect(await a?.taken(app, 1)).toBe(1)

    a?.fleet.follow(naming(1))
    await a?.connected()
    expect(await a?.taken(app, 3)).toBe(3)
    await until('nobody is connected for the first one', async () => (await connected()).join() === '1')
    expect(a?.by).toEqual({ store: 9, share: 0 })

    a?.fleet.follow({ ...naming(1), config: policy({}) })
    expect([a?.fleet.answers, a?.fleet.status()]).toEqual([false, undefined])
    expect(await a?.taken(app, 2)).toBe(2)
    await until('nobody is connected', async () => (await connected()).length === 0)
    expect(a?.by).toEqual({ store: 9, share: 2 })
    expect(a?.told).toEqual(['connecting', 'connected', 'connecting', 'connected', 'undefined'])
  })

  test('a relay that ends leaves the store', async () => {
    const [a] = countingFleet(storeAt(redis.port), 1).relays()
    await a?.connected()
    await until('it alone is connected', async () => (await connected()).join() === '0')
    await a?.fleet.close()
    await until('nobody is connected', async () => (await connected()).length === 0)
    expect(a?.told).toEqual(['connecting', 'connected'])
  })

  test('what a throttle gets back counts as no message', async () => {
    const [a] = countingFleet(storeAt(redis.port), 1).relays()
    const rate = { count: 6, perMs: 3_600_000, burst: 12 }
    const perTeam = { name: 'throttle:per-team:team', limits: { throttle: 'per-team', rate, warnAt: 100 } }
    expect(await a?.taken(perTeam, 12)).toBe(12)
    a?.fleet.giveBack(perTeam, 4, a.fleet.dayOf(perTeam))
    expect(await a?.taken(perTeam, 4)).toBe(4)
    expect(a?.by).toEqual({ store: 16, share: 0 })
    await redis.kill()
    await a?.away()
    a?.fleet.giveBack(perTeam, 4, a.fleet.dayOf(perTeam))
    expect(a?.by).toEqual({ store: 16, share: 0 })
  })
})
