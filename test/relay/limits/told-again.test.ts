/** A store that has lost its counts is told all of them again, however busy one credential is. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { installed } from '../../local/programs.ts'
import { type Redis, startRedis } from '../../local/redis.ts'
import { until } from '../../local/until.ts'
import { countingFleet, limited, storeAt } from './counting-fleet.ts'

describe.runIf(installed('redis-server'))('with a Redis', () => {
  let redis: Redis
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  test('a credential whose messages never cease keeps no other count from a store that has lost all (case A19)', async () => {
    const [one] = countingFleet(storeAt(redis.port), 1).relays()
    const busy = limited({ daily: 1_000_000 }, 'team/busy')
    let isOver = false
    const sending = async (): Promise<void> => {
      while (!isOver) await one?.fleet.take(busy, 1)
    }
    await one?.connected()
    const senders = [sending(), sending(), sending()]
    onTestFinished(async () => {
      isOver = true
      await Promise.all(senders)
    })
    const others = Array.from({ length: 120 }, (_, i) => limited({ daily: 10 }, `team/app-${i}`))
    for (const other of others) expect(await one?.taken(other, 7)).toBe(7)
    await redis.command('FLUSHALL')
    const last = async () => redis.command('HGET', 'relayfleet:{mail/shared}:day', 'all team/app-119')
    await until('the store knows of all again', async () => (await last()) === '7')
  })
})
