/** The relays of a fleet count each limit together in a real Redis, and each hands out its share while that store is away. */
import { createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { makeCertificates, oddTwin } from '../../certificates.ts'
import { installed } from '../../local/programs.ts'
import { type Redis, startRedis } from '../../local/redis.ts'
import { until } from '../../local/until.ts'
import { oldTlsServer } from '../old-tls.ts'
import { policy } from '../policy.ts'
import { countingFleet, limited, storeAt } from './counting-fleet.ts'

const sum = (figures: readonly number[]): number => figures.reduce((a, b) => a + b, 0)

describe.runIf(installed('redis-server'))('with a Redis', () => {
  let redis: Redis
  beforeAll(async () => {
    redis = await startRedis()
  })
  beforeEach(async () => void (await redis.command('FLUSHALL')))
  afterAll(() => redis.stop())

  test('however messages spread over the relays, the daily limit is handed out once, and to its last recipient', async () => {
    const relays = countingFleet(storeAt(redis.port), 5).relays()
    const app = limited({ daily: 1000 })
    // All of these come to one relay, whose share of the limit would be used up after 200.
    expect(await relays[0]?.taken(app, 700)).toBe(700)
    const given = await Promise.all(relays.map((one) => one.taken(app, 211)))
    expect(sum(given)).toBe(300)
    expect(relays.map(({ by }) => by.share)).toEqual([0, 0, 0, 0, 0])
  })

  test('a message is counted with all its recipients or not at all, and smaller messages after it still get what is left', async () => {
    const [a, b] = countingFleet(storeAt(redis.port), 2).relays()
    const app = limited({ daily: 10 })
    expect(await a?.fleet.take(app, 7)).toBeUndefined()
    const over = await b?.fleet.take(app, 4)
    expect(over?.reply.text).toMatch(
      /^at most 10 recipients a day, 3 left, and this message has 4; come back in \d+ (s|min|h), at 00:00 UTC/,
    )
    expect(await b?.taken(app, 5)).toBe(3)
  })

  test('the burst of a rate is handed out once by all relays together, and a refusal says when to come back', async () => {
    const relays = countingFleet(storeAt(redis.port), 3).relays()
    const app = limited({ rate: { count: 10, perMs: 3_600_000 } })
    expect(sum(await Promise.all(relays.map((one) => one.taken(app, 8))))).toBe(10)
    const refused = await relays[0]?.fleet.take(app, 2)
    expect(refused).toMatchObject({ rule: 'credential.limits.rate', reply: { code: 450 } })
    expect(refused?.reply.text).toMatch(/^at most 10 recipients per 60 min; come back in 1[12] min /)
    expect((await relays[0]?.fleet.take(app, 11))?.reply.text).toContain('send at most 10 at once')
    // The next message is refused in the same way before its content is sent.
    expect(relays[0]?.fleet.peek(app, 2)?.reply.text).toMatch(/come back in 1[12] min /)
  })

  test('when a rate is made faster, what was taken before is earned back at the new rate from the next message on', async () => {
    const [a] = countingFleet(storeAt(redis.port), 1).relays()
    expect(await a?.taken(limited({ rate: { count: 2, perMs: 3_600_000 } }), 3)).toBe(2)
    const app = limited({ rate: { count: 2, perMs: 200 } })
    // The store has not heard of the new rate yet, so its answer about the former rate refuses nothing.
    expect(a?.fleet.peek(app, 1)).toBeUndefined()
    const isEarned = async () => a?.fleet.peek(app, 1) === undefined && (await a?.taken(app, 1)) === 1
    await until('it is earned', isEarned)
  })

  test('after a refusal by the store, the next message is refused before its content, without asking the store again', async () => {
    const [a] = countingFleet(storeAt(redis.port), 2).relays()
    const app = limited({ daily: 3 })
    await a?.taken(app, 4)
    expect(a?.fleet.peek(app, 1)?.rule).toBe('credential.limits.daily')
    expect(a?.fleet.room(app, 2)).toBeUndefined()
    expect(a?.fleet.room(app, 3)?.reply.code).toBe(452)
  })

  test('the recipients of a message that was not kept after all are there for the other relays', async () => {
    const [a, b] = countingFleet(storeAt(redis.port), 2).relays()
    const app = limited({ daily: 10 })
    await a?.taken(app, 10)
    expect(await b?.taken(app, 1)).toBe(0)
    a?.fleet.giveBack(app, 4, a.fleet.dayOf(app))
    await until('the store knows', async () => (await b?.taken(app, 1)) === 1)
    expect(await b?.taken(app, 10)).toBe(3)
  })

  test('the recipients of a message that was not kept are there for the other relays, too, where the store was away at that moment (case A19)', async () => {
    const { relay } = countingFleet(storeAt(redis.port), 2)
    const app = limited({ daily: 10 })
    const a = relay(0)
    expect(await a.taken(app, 10)).toBe(10)
    await redis.command('CLIENT', 'KILL', 'TYPE', 'normal')
    await a.away()
    a.fleet.giveBack(app, 10, a.fleet.dayOf(app))
    const b = relay(1)
    await Promise.all([a.connected(), b.connected()])
    await until('the store knows', async () => (await b.taken(app, 1)) === 1)
    expect(await b.taken(app, 10)).toBe(9)
  })

  test('a throttle is shared by the whole fleet, and what is given back to it is there for all relays', async () => {
    const relays = countingFleet(storeAt(redis.port), 3).relays()
    const [a, b] = relays
    const rate = { count: 6, perMs: 3_600_000, burst: 12 }
    const perTeam = { name: 'throttle:per-team:team', limits: { throttle: 'per-team', rate, warnAt: 100 } }
    expect(sum(await Promise.all(relays.map((one) => one.taken(perTeam, 8))))).toBe(12)
    expect(await a?.fleet.take(perTeam, 1)).toMatchObject({ rule: 'throttles', throttle: 'per-team' })
    expect((await a?.fleet.take(perTeam, 13))?.reply.text).toContain('send at most 12 at once')
    a?.fleet.giveBack(perTeam, 4, a.fleet.dayOf(perTeam))
    await until('the store knows', async () => (await b?.taken(perTeam, 1)) === 1)
    expect(await b?.taken(perTeam, 10)).toBe(3)
    a?.fleet.giveBack(perTeam, 100, a.fleet.dayOf(perTeam))
    await until('the store knows', async () => (await b?.taken(perTeam, 1)) === 1)
    expect(await a?.taken(perTeam, 100)).toBe(11)
  })

  test('while the store is away each relay hands out its share of what was left, and the store counts that when it is back', async () => {
    const relays = countingFleet(storeAt(redis.port), 2).relays()
    const [a, b] = relays
    const app = limited({ daily: 100 })
    expect(await a?.taken(app, 50)).toBe(50)
    expect(await b?.taken(app, 10)).toBe(10)
    await redis.kill()
    await Promise.all(relays.map((one) => one.away()))
    // Relay a knew of 50 and has half of the 50 that were left; relay b knew of 60 and has half of 40.
    expect(await a?.taken(app, 100)).toBe(25)
    expect(await b?.taken(app, 7)).toBe(7)
    expect(a?.own.usage(policy({ credentials: [app] })).credentials).toMatchObject([{ today: 75, fleet: 75 }])
    // The store comes back empty, since it keeps nothing on its disk.
    await redis.start()
    await Promise.all(relays.map((one) => one.connected()))
    expect(a?.told).toEqual(['connecting', 'connected', expect.stringMatching(/^away: /), 'connected'])
    await until('the store knows of all again', async () => (await redis.command('HGET', key, 'all team/app')) === '92')
    expect(sum(await Promise.all(relays.map((one) => one.taken(app, 20))))).toBe(8)
  })

  test('after a FLUSHALL the relays tell the store their counts again', async () => {
    const relays = countingFleet(storeAt(redis.port), 2).relays()
    const [a, b] = relays
    const app = limited({ daily: 100 })
    await a?.taken(app, 50)
    await b?.taken(app, 30)
    await redis.command('FLUSHALL')
    // No message comes: each relay notices by its own beat that the store has lost its counts.
    await until('the store knows of all again', async () => (await redis.command('HGET', key, 'all team/app')) === '80')
    expect(await a?.taken(app, 30)).toBe(20)
  })

  test('a relay that was killed goes on from its exact count, and what a relay handed out still counts when it is gone', async () => {
    const { relay } = countingFleet(storeAt(redis.port), 2)
    const app = limited({ daily: 1000 })
    expect(await relay(0).taken(app, 333)).toBe(333)
    expect(await relay(1).taken(app, 111)).toBe(111)
    const again = relay(0)
    expect(await again.taken(app, 1)).toBe(1)
    expect(again.own.standing('team/app')).toMatchObject({ own: 334 })
    expect(await again.taken(app, 1000)).toBe(555)
  })

  test('a relay that is killed again and again, also while the store is away, never hands out more than the daily limit', async () => {
    const { relay } = countingFleet(storeAt(redis.port), 1)
    const app = limited({ daily: 300 })
    expect(await relay(0).taken(app, 100)).toBe(100)
    await redis.kill()
    let given = 100
    for (let i = 0; i < 3; i++) {
      const one = relay(0)
      await one.away()
      given += await one.taken(app, 40)
    }
    await redis.start()
    const last = relay(0)
    await last.connected()
    given += await last.taken(app, 300)
    expect(given).toBeLessThanOrEqual(300)
    // Each of the three relays that ran without the store may have wasted a hundredth of the limit.
    expect(given).toBeGreaterThanOrEqual(300 - 3 * 3)
  })

  test('messages wait for a store that hangs only once, and it is asked again when it answers', async () => {
    const [a] = countingFleet(storeAt(redis.port, { timeoutMs: 50 }), 1).relays()
    const app = limited({ daily: 20 })
    await a?.connected()
    redis.pause()
    onTestFinished(() => redis.resume())
    expect(await a?.taken(app, 5)).toBe(5)
    await a?.away()
    expect(a?.told.at(-1)).toBe('away: no answer within 50 ms')
    // No message waits for the store any more: take() does not even return a promise.
    expect(Array.from({ length: 5 }, () => a?.fleet.take(app, 1))).toEqual(Array(5).fill(undefined))
    redis.resume()
    await until('the store is told what was counted meanwhile', async () => {
      return (await redis.command('HGET', key, 'all team/app')) === '10'
    })
    await a?.connected()
    expect(await a?.taken(app, 20)).toBe(10)
  })

  test.each([
    ['is full', ['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0'], 'OOM'],
    ['is a replica', ['REPLICAOF', '127.0.0.1', '1'], ['REPLICAOF', 'NO', 'ONE'], 'READONLY'],
    [
      'does not let us run a script',
      ['ACL', 'SETUSER', 'default', '-evalsha'],
      ['ACL', 'SETUSER', 'default', '+evalsha'],
      'NOPERM',
    ],
    [
      'does not let us write counts',
      ['ACL', 'SETUSER', 'default', '-hset'],
      ['ACL', 'SETUSER', 'default', '+hset'],
      'NOPERM',
    ],
    [
      'does not let us read a rate',
      ['ACL', 'SETUSER', 'default', '-get'],
      ['ACL', 'SETUSER', 'default', '+get'],
      'NOPERM',
    ],
    [
      'does not let us write a rate',
      ['ACL', 'SETUSER', 'default', '-set'],
      ['ACL', 'SETUSER', 'default', '+set'],
      'NOPERM',
    ],
  ])('a store that %s counts as away until that is mended, although it answers the beat', async (_what, breaks, mends, kind) => {
    await redis.command(...breaks)
    onTestFinished(async () => void (await redis.command(...mends)))
    const [a] = countingFleet(storeAt(redis.port), 2).relays()
    const app = limited({ daily: 10 })
    expect(await a?.taken(app, 9)).toBe(5)
    await a?.away()
    expect(a?.fleet.status()).toMatchObject({ why: `it says ${kind}` })
    await redis.command(...mends)
    await a?.connected()
    expect(a?.told).toEqual(['connecting', `away: it says ${kind}`, 'connected'])
    expect(await a?.taken(app, 9)).toBe(5)
  })

  test('where the store does not have the database, that is the reason that is reported', async () => {
    const [a] = countingFleet(storeAt(redis.port, { database: 99 }), 1).relays()
    await a?.away()
    expect(a?.fleet.status()).toMatchObject({ why: 'it has no database of that number' })
  })

  test('a store that closes the connection is reported as doing so, not as answering wrongly', async () => {
    const [a] = countingFleet(storeAt(redis.port), 1).relays()
    await a?.connected()
    await redis.command('CLIENT', 'KILL', 'TYPE', 'normal')
    await until('that is reported', () => a?.told.some((t) => t.startsWith('away: ')))
    expect(a?.told).toContain('away: it closed the connection')
  })

  test('the warning of a daily limit is logged by one relay only, and counts what all relays have handed out', async () => {
    const [a, b] = countingFleet(storeAt(redis.port), 2).relays()
    const app = limited({ daily: 10, warnAt: 50 })
    await a?.taken(app, 4)
    await b?.taken(app, 3)
    await b?.taken(app, 1)
    expect([a?.warned, b?.warned]).toEqual([[], [['team/app', 7, 10]]])
    expect(b?.own.ratios(policy({ credentials: [app] }))).toEqual([{ credential: 'team/app', ratio: 0.8 }])
  })

  test('the store holds nothing but names and figures, and every key in it expires', async () => {
    const [a] = countingFleet(storeAt(redis.port), 1).relays()
    await a?.taken(limited({ daily: 10, rate: { count: 10, perMs: 60_000 } }), 3)
    expect((await redis.command('KEYS', '*')) as string[]).toEqual(
      expect.arrayContaining([key, 'relayfleet:{mail/shared}:rate:team/app']),
    )
    expect(await redis.command('HKEYS', key)).toEqual(['day', 'epoch', 'relay relay-0 team/app', 'all team/app'])
    for (const name of (await redis.command('KEYS', '*')) as string[]) {
      expect(await redis.command('PTTL', name)).toBeGreaterThan(0)
    }
  })
})

const key = 'relayfleet:{mail/shared}:day'

describe.runIf(installed('redis-server'))('with a Redis that wants TLS and a password', () => {
  const password = 'a-password-of-the-store'
  const auth = { usernameFile: 'u', passwordFile: 'p' }

  test('the relay gives it both; where the authority or the password is wrong, the reason shows no secret', async () => {
    const certificates = await makeCertificates(['127.0.0.1'])
    const foreign = await makeCertificates(['127.0.0.1'])
    const redis = await startRedis({ certificates, password })
    onTestFinished(() => redis.stop())
    const store = storeAt(redis.port, { tls: { mode: 'Implicit', caFile: 'ca' }, auth, database: 3 })
    const files = { ca: certificates.ca, u: 'default\n', p: `${password}\n` }
    const [good] = countingFleet(store, 1, files).relays()
    expect(await good?.taken(limited({ daily: 5 }), 9)).toBe(5)
    expect(good?.by.share).toBe(0)

    const [stranger] = countingFleet(store, 1, { ...files, ca: foreign.ca }).relays()
    await stranger?.away()
    expect(stranger?.fleet.status()).toMatchObject({ why: expect.stringMatching(/^[A-Z_]+$/) })
    const [wrong] = countingFleet(store, 1, { ...files, p: 'another-password' }).relays()
    await wrong?.away()
    expect(wrong?.fleet.status()).toMatchObject({ why: 'it says WRONGPASS' })
    const [plain] = countingFleet(storeAt(redis.port), 1).relays()
    await plain?.away()
    expect(await plain?.taken(limited({ daily: 5 }), 9)).toBe(5)
  })

  test('a chain with a key on a curve that NIST has no name for ends no relay (case T22)', async () => {
    const { ca, cert, key } = await makeCertificates(['127.0.0.1'])
    const redis = await startRedis({ certificates: { ca, cert: `${cert}\n${await oddTwin(ca)}`, key }, password })
    onTestFinished(() => redis.stop())
    const store = storeAt(redis.port, { tls: { mode: 'Implicit', caFile: 'ca' }, auth })
    const [a] = countingFleet(store, 1, { ca, u: 'default', p: password }).relays()
    expect(await a?.taken(limited({ daily: 5 }), 9)).toBe(5)
    expect(a?.by.share).toBe(0)
  })
})

const liars: Readonly<Record<string, (socket: Socket) => void>> = {
  'speaks HTTP': (s) => void s.on('data', () => s.write('HTTP/1.1 400 Bad Request\r\n\r\n')),
  'says OK to everything': (s) => void s.on('data', () => s.write('+OK\r\n')),
  'answers before it is asked': (s) => void s.write('+OK\r\n*2\r\n$-1\r\n$-1\r\n*0\r\n*0\r\n'),
  'says nothing': () => undefined,
  'hangs up': (s) => void s.destroy(),
  'quotes what it was told': (s) =>
    void s.on('data', (d) => s.write(`-ERR unknown ${d.toString().replaceAll('\r\n', ' ')}\r\n`)),
  'promises a gigabyte': (s) => void s.on('data', () => s.write(`$1000000000\r\n${'x'.repeat(1000)}`)),
  'answers the beat and lies about the count': (s) =>
    void s.on('data', (d) =>
      s.write(
        String(d).includes('HMGET')
          ? '*2\r\n$-1\r\n$-1\r\n'
          : '*8\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n*1\r\n+yes\r\n',
      ),
    ),
}

test.each(
  Object.entries(liars),
)('a store that %s counts as away, and the relay hands out its share', async (_name, speak) => {
  const sockets: Socket[] = []
  const server = createServer((s) => {
    sockets.push(s.on('error', () => undefined))
    speak(s)
  }).listen(0, '127.0.0.1')
  await new Promise((listening) => server.once('listening', listening))
  onTestFinished(() => {
    for (const s of sockets) s.destroy()
    server.close()
  })
  const { port } = server.address() as { port: number }
  const [a] = countingFleet(storeAt(port, { timeoutMs: 50 }), 2).relays()
  expect(await a?.taken(limited({ daily: 10 }), 9)).toBe(5)
  await until('that is reported', () => a?.told.some((t) => t.startsWith('away: ')))
  // Each question names a key of the fleet.
  expect(JSON.stringify(a?.told)).not.toContain('relayfleet:')
  expect(a?.by.store).toBe(0)
})

test('a store with nothing newer than TLS 1.1 gets no login, and counts as away', async () => {
  const certificate = await makeCertificates(['127.0.0.1'])
  const store = storeAt(await oldTlsServer(certificate), { tls: { mode: 'Implicit', caFile: 'ca' } })
  const [a] = countingFleet(store, 1, { ca: certificate.ca }).relays()
  await a?.away()
  expect(a?.fleet.status()).toMatchObject({ why: expect.stringMatching(/^ERR_SSL_.*PROTOCOL/) })
})

test.each([
  ['ERR DB index is out of range', 'it has no database of that number'],
  ['ERR max number of clients reached', 'it takes no further client'],
  [
    "ERR The user executing the script can't run this command or subcommand script: 70b, on @user_script:14.",
    'it says NOPERM',
  ],
  ['ERR whatever else', 'it says ERR'],
])('where the store answers with the error %s, the reason is reported in words of our own', async (said, why) => {
  const server = createServer((s) => void s.on('error', () => undefined).on('data', () => s.write(`-${said}\r\n`)))
  server.listen(0, '127.0.0.1')
  await new Promise((listening) => server.once('listening', listening))
  onTestFinished(() => void server.close())
  const { port } = server.address() as { port: number }
  const [a] = countingFleet(storeAt(port, { database: 1 }), 1).relays()
  await a?.away()
  expect(a?.fleet.status()).toMatchObject({ why })
})

test.each([
  ['our TLS handshake', { tls: { mode: 'Implicit' } as const }],
  ['our login', { auth: { usernameFile: 'u', passwordFile: 'p' } }],
])('a store that is silent about %s is reported as not reached, not as answering wrongly', async (_to, over) => {
  const silent = createServer((s) => s.on('error', () => undefined)).listen(0, '127.0.0.1')
  await new Promise((listening) => silent.once('listening', listening))
  onTestFinished(() => void silent.close())
  const { port } = silent.address() as { port: number }
  const [a] = countingFleet(storeAt(port, over), 1, { u: 'someone', p: 'something' }).relays()
  await a?.away()
  expect(a?.fleet.status()).toMatchObject({ why: 'no connection within 2000 ms' })
})
