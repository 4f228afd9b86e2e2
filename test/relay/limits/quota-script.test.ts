/** The script by which relays count together, run on a real Redis and by its clock, does what its model says. */
import { createClient } from '@redis/client'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Answer,
  type Question,
  questionWords,
  readAnswer,
  readBeat,
  script,
} from '../../../relay/limits/quota-script.ts'
import { installed } from '../../local/programs.ts'
import { type Redis, startRedis } from '../../local/redis.ts'
import { until } from '../../local/until.ts'
import { hour, QuotaModel } from './quota-model.ts'

const key = 'relayfleet:{mail/shared}:day'
const dayMs = 86_400_000

describe.runIf(installed('redis-server'))('on a Redis', () => {
  let redis: Redis
  let client: ReturnType<typeof createClient>
  beforeAll(async () => {
    redis = await startRedis()
    client = createClient({ RESP: 2, socket: { host: '127.0.0.1', port: redis.port } })
    await client.connect()
  })
  afterAll(async () => {
    client.destroy()
    await redis.stop()
  })

  const now = async (): Promise<number> => {
    const [seconds = '0', micro = '0'] = (await client.sendCommand(['TIME'])) as unknown as string[]
    return Number(seconds) * 1000 + Number(micro) / 1000
  }
  const today = async (): Promise<number> => Math.floor((await now()) / dayMs)

  let asked = 0
  async function ask(over: Partial<Question>): Promise<Answer> {
    const question = {
      policy: 'mail/shared',
      credential: 'team/app',
      relay: 'a',
      day: over.day ?? (await today()),
      own: 0,
      certain: true,
      daily: undefined,
      rate: undefined,
      messages: [],
      ...over,
    }
    const nonce = `n${++asked}`
    const said = await client.sendCommand(['EVAL', script, ...questionWords(question, nonce)])
    const answer = readAnswer(said, nonce, question.messages.length)
    if (answer === undefined) throw new Error(`no answer: ${JSON.stringify(said)}`)
    return answer
  }
  const granted = ({ verdicts }: Answer): number => verdicts.filter(({ kind }) => kind === 'granted').length

  test('in any order of questions, flushes of the store and restarts of relays, a message is granted if and only if it fits', async () => {
    type Do = (relay: string, model: QuotaModel, day: number, daily: number, burst: number) => Promise<void>
    const question = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 4 }).map(
      (messages): Do =>
        async (relay, model, day, daily, burst) => {
          const told = model.standing(relay)
          const expected = model.ask(relay, messages)
          const answer = await ask({ relay, day, ...told, daily, rate: { intervalMs: hour, burst }, messages })
          expect(answer).toMatchObject({ day, own: model.known(relay), total: model.total, verdicts: expected })
        },
    )
    const loss: Do = async (_relay, model) => {
      model.flush()
      await client.sendCommand(['FLUSHALL'])
    }
    const restart: Do = async (relay, model) => model.restart(relay)
    const counted = fc.integer({ min: -5, max: 5 }).map(
      (recipients): Do =>
        async (relay, model) =>
          model.count(relay, recipients),
    )
    const step = fc.oneof(
      { weight: 10, arbitrary: question },
      { weight: 2, arbitrary: counted },
      { weight: 1, arbitrary: fc.constantFrom(loss, restart) },
    )
    const steps = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), step), { maxLength: 25 })
    const [daily, burst] = [fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 40 })]
    await fc.assert(
      fc.asyncProperty(daily, burst, steps, async (most, atOnce, all) => {
        await client.sendCommand(['FLUSHALL'])
        const model = new QuotaModel(most, atOnce)
        const day = await today()
        for (const [relay, act] of all) await act(relay, model, day, most, atOnce)
      }),
      { numRuns: 150, seed: 7 },
    )
  })

  test('a rate is earned back by the clock of the store', async () => {
    await client.sendCommand(['FLUSHALL'])
    const rate = { intervalMs: 1, burst: 50 }
    const begun = await now()
    let given = 0
    let own = 0
    for (let i = 0; i < 200; i++) {
      const answer = await ask({ own, rate, messages: [1, 1, 1, 1, 1] })
      own = answer.own
      given += granted(answer)
    }
    const took = (await now()) - begun
    expect(given).toBeLessThanOrEqual(50 + Math.ceil(took))
    // Something is earned back in so many questions, however fast they are answered.
    expect(given).toBeGreaterThan(50)
  })

  test('what is given back can be taken again, and no more comes back than was taken', async () => {
    await client.sendCommand(['FLUSHALL'])
    const rate = { intervalMs: hour, burst: 10 }
    const { own } = await ask({ rate, messages: [10] })
    const back = await ask({ own, rate, messages: [-4, 4, 1, -3] })
    expect(back.verdicts.map(({ kind }) => kind)).toEqual(['granted', 'granted', 'rate', 'granted'])
    expect(back.own).toBe(7)
    const more = await ask({ own: back.own, rate, messages: [-100, 10, 1] })
    expect(more.verdicts.map(({ kind }) => kind)).toEqual(['granted', 'granted', 'rate'])
    expect(more).toMatchObject({ own: 10, total: 10 })
  })

  test('the slowest rate with the largest burst that a policy may have is counted exactly', async () => {
    await client.sendCommand(['FLUSHALL'])
    const rate = { intervalMs: hour, burst: 1_000_000 }
    const answer = await ask({ rate, messages: [999_999, 2, 1] })
    expect(answer.verdicts).toMatchObject([{ kind: 'granted' }, { kind: 'rate' }, { kind: 'granted' }])
    expect(answer.owedMs).toBe(1_000_000 * hour)
  })

  test('a burst that is asked for in one question is granted to its last recipient, whatever the interval of the rate', async () => {
    for (const count of [3, 7, 11, 12, 14, 30, 49, 70]) {
      await client.sendCommand(['FLUSHALL'])
      const rate = { intervalMs: 60_000 / count, burst: count }
      const answer = await ask({ rate, messages: Array<number>(count + 1).fill(1) })
      expect([count, granted(answer)]).toEqual([count, count])
    }
  })

  test('when a rate changes, what is still owed stays the same number of recipients, not the same length of time', async () => {
    await client.sendCommand(['FLUSHALL'])
    const { own } = await ask({ rate: { intervalMs: hour, burst: 10 }, messages: [10] })
    const answer = await ask({ own, rate: { intervalMs: hour * 100, burst: 20 }, messages: [10, 1] })
    expect(answer.verdicts.map(({ kind }) => kind)).toEqual(['granted', 'rate'])
  })

  test('when a rate is made faster, what is still owed is earned back at the new rate, not at the former one', async () => {
    await client.sendCommand(['FLUSHALL'])
    const { own } = await ask({ rate: { intervalMs: hour, burst: 10 }, messages: [10] })
    const refused = await ask({ own, rate: { intervalMs: 100, burst: 1 }, messages: [1] })
    expect(refused).toMatchObject({ own, verdicts: [{ kind: 'rate' }] })
    await until(
      'it is earned back',
      async () => granted(await ask({ own, rate: { intervalMs: 100, burst: 1 }, messages: [1] })) === 1,
    )
  })

  test('when a rate is made slower, what is still owed is not earned back at the former, faster rate', async () => {
    await client.sendCommand(['FLUSHALL'])
    const { own } = await ask({ rate: { intervalMs: 10, burst: 10 }, messages: [10] })
    const slower = { own, rate: { intervalMs: hour, burst: 10 }, messages: [1] }
    expect(await ask(slower)).toMatchObject({ verdicts: [{ kind: 'rate' }] })
    const earnedBefore = (await now()) + 100
    await until('what was owed would be earned', async () => (await now()) > earnedBefore)
    expect(await ask(slower)).toMatchObject({ verdicts: [{ kind: 'rate' }] })
  })

  test('counts of a day that is over are dropped, and what a relay tells of an earlier day does not count for this one', async () => {
    await client.sendCommand(['FLUSHALL'])
    const day = await today()
    await ask({ relay: 'b', messages: [5], daily: 10 })
    await client.sendCommand(['HSET', key, 'day', String(day - 1)])
    expect(await ask({ relay: 'b', day: day - 1, own: 5, messages: [6], daily: 10 })).toMatchObject({
      own: 6,
      total: 6,
    })
    // The clock of this relay is ahead. What it tells of its day is a lower bound: the larger count of the store holds.
    expect(await ask({ relay: 'b', day: day + 1, own: 0, daily: 10 })).toMatchObject({ day, own: 6, total: 6 })
  })

  test('a clock of the store that is set back by a day begins no new day; a day a year ahead is dropped, but its count is kept', async () => {
    await client.sendCommand(['FLUSHALL'])
    const day = await today()
    await ask({ messages: [7], daily: 10 })
    await client.sendCommand(['HSET', key, 'day', String(day + 1)])
    expect(await ask({ day: day + 1, own: 7, messages: [4], daily: 10 })).toMatchObject({ day: day + 1, total: 7 })
    await client.sendCommand(['HSET', key, 'day', String(day + 400)])
    const answer = await ask({ day: day + 400, own: 7, messages: [4, 3], daily: 10 })
    expect(answer).toMatchObject({ day, total: 10 })
    expect(answer.restOfDayMs).toBeGreaterThan(0)
    expect(answer.restOfDayMs).toBeLessThanOrEqual(dayMs)
  })

  test('each credential, and each fleet, is counted apart from the others', async () => {
    await client.sendCommand(['FLUSHALL'])
    const rate = { intervalMs: hour, burst: 3 }
    const of = async (over: Partial<Question>) =>
      granted(await ask({ ...over, daily: 3, rate, messages: [1, 1, 1, 1] }))
    expect([await of({}), await of({ credential: 'team/b' }), await of({ policy: 'mail/other' })]).toEqual([3, 3, 3])
  })
})

test('each figure of an answer is read in its place', () => {
  expect(readAnswer(['n', 20_000, 'e', 3_600_000, '7', '9', '1500', ['yes', 'daily 2', 'rate 40']], 'n', 3)).toEqual({
    day: 20_000,
    epoch: 'e',
    restOfDayMs: 3_600_000,
    own: 7,
    total: 9,
    owedMs: 1.5,
    verdicts: [{ kind: 'granted' }, { kind: 'daily', left: 2 }, { kind: 'rate', waitMs: 40 }],
  })
})

test.each([
  ['not a list', 'OK'],
  ['null', null],
  ['too short a list', ['n', 1]],
  ['the answer to another question', ['m', 1, 'e', 1, '1', '1', '0', ['yes']]],
  ['an answer with a day for which there is no date', ['n', 9_999_999_999, 'e', 1, '1', '1', '0', ['yes']]],
  ['an answer with more recipients than are kept', ['n', 1, 'e', 1, '9999999999999999', '1', '0', ['yes']]],
  ['an answer with a count below 0', ['n', 1, 'e', 1, '-1', '1', '0', ['yes']]],
  ['an answer with a count that is not a number', ['n', 1, 'e', 1, 'NaN', '1', '0', ['yes']]],
  ['an answer without an epoch', ['n', 1, null, 1, '1', '1', '0', ['yes']]],
  ['an answer with too many verdicts', ['n', 1, 'e', 1, '1', '1', '0', ['yes', 'yes']]],
  ['an answer with an unknown verdict', ['n', 1, 'e', 1, '1', '1', '0', ['maybe']]],
  ['an answer with a figure behind a verdict that has none', ['n', 1, 'e', 1, '1', '1', '0', ['yes 1']]],
  ['an answer with a refusal without its figure', ['n', 1, 'e', 1, '1', '1', '0', ['daily']]],
])('what a store sends is no answer when it is %s', (_name, said) => {
  expect(readAnswer(said, 'n', 1)).toBeUndefined()
})

test.each([
  ['not a list', 'PONG', undefined],
  ['only one of day and epoch', [null, 'e'], undefined],
  ['neither, since nothing is counted yet', [null, null], {}],
  ['both day and epoch', ['20000', 'e'], { day: 20000, epoch: 'e' }],
])('the answer to a beat is read: %s', (_name, said, read) => {
  expect(readBeat(said)).toEqual(read)
})
