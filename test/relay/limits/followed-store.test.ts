/** A reload moves the counts of a relay to the store that its policy names by then, and leaves the one before. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { makeCertificates } from '../../certificates.ts'
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

describe.runIf(installed('redis-server'))('with a Redis that wants TLS and a password', () => {
  test('a relay connects to its store anew where a reload brings another password, authority or timeout, though all names are the same (case A19)', async () => {
    const password = 'a-password-of-the-store'
    const [certificates, foreign] = await Promise.all([
      makeCertificates(['127.0.0.1']),
      makeCertificates(['127.0.0.1']),
    ])
    const redis = await startRedis({ certificates, password })
    onTestFinished(() => redis.stop())
    const files = { ca: certificates.ca, u: 'default', p: password }
    const storeWith = (timeoutMs: number) =>
      storeAt(redis.port, {
        timeoutMs,
        tls: { mode: 'Implicit', caFile: 'ca' },
        auth: { usernameFile: 'u', passwordFile: 'p' },
      })
    const [a] = countingFleet(storeWith(10_000), 1, files).relays()
    const reload = (other: Partial<typeof files>, timeoutMs = 10_000): void =>
      a?.fleet.follow({
        config: policy({ sharing: { relays: 1, store: storeWith(timeoutMs) } }),
        hash: '',
        files: new Map(Object.entries({ ...files, ...other })),
      })
    const app = limited({ daily: 100 })
    expect(await a?.taken(app, 1)).toBe(1)
    for (const [other, why] of [
      [{ p: 'another-password' }, 'it says WRONGPASS'],
      [{ ca: foreign.ca }, 'SELF_SIGNED_CERT_IN_CHAIN'],
    ] as const) {
      reload(other)
      await a?.away()
      expect(a?.fleet.status()).toMatchObject({ why })
      reload({})
      await a?.connected()
      expect(await a?.taken(app, 1)).toBe(1)
    }
    reload({}, 50)
    await a?.connected()
    redis.pause()
    onTestFinished(() => redis.resume())
    expect(await a?.taken(app, 1)).toBe(1)
    expect(a?.fleet.status()).toMatchObject({ why: 'no answer within 50 ms' })
    expect(a?.by).toEqual({ store: 3, share: 1 })
  })
})
