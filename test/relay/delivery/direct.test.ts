/** On a route to exchangers the mail of each domain goes to its own exchangers, in order, and holds up no other domain. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { turnsOf } from '../../../relay/mail/envelope.ts'
import { until } from '../../local/until.ts'
import { drop, say, silence } from './behaviour.ts'
import { MemorySpool } from './memory-spool.ts'
import type { Table } from './name-server.ts'
import { allWithin } from './rig.ts'
import { hello, route, smarthost } from './samples.ts'
import { startSmarthost } from './smarthost.ts'
import { at, mx, one, rcptOf, to, two, twoDomains } from './two-domains.ts'
import { startWorld } from './world.ts'

test('recipients of one message share a transaction where their domain is the same, whatever its letter case and script', async () => {
  const { hosts, spool, quiet, attempted } = await startWorld(
    { ...twoDomains, 'xn--bcher-kva.test': mx([10, 'mx.b.test']) },
    { [one]: {}, [two]: {} },
  )
  spool.put(to('u@a.test', 'v@b.test', 'w@A.Test', 'x@bücher.test'), hello)
  await attempted(4)
  await quiet()
  expect(hosts[one].received.map((r) => r.rcpt)).toEqual([['RCPT TO:<u@a.test>', 'RCPT TO:<w@A.Test>']])
  expect(rcptOf(hosts[two].received)).toEqual(['v@b.test', 'x@bücher.test'])
  expect(spool.stored.size).toBe(0)
})

test('a worse exchanger is tried only when the better one fails; events name each exchanger, and their label is that of the route', async () => {
  const table = {
    'a.test': mx([10, 'down.a.test'], [20, 'mx.a.test']),
    'down.a.test': at('127.9.9.9'),
    'mx.a.test': at(one),
  }
  const { attempts, spool, attempted, quiet, facts } = await startWorld(table, { [one]: {} })
  spool.put(to('u@a.test'), hello)
  await attempted(2)
  await quiet()
  expect(attempts.map((a) => [a.smarthost, a.host, a.attempt, a.outcome.kind])).toEqual([
    ['mx', 'down.a.test', 1, 'deferred'],
    ['mx', 'mx.a.test', 1, 'delivered'],
  ])
  expect(facts('smarthostEjected')).toEqual([])
  expect(facts('smarthostConnected').map(([label]) => label)).toEqual(['mx'])
})

test.each([
  ['case N03: a domain that does not exist', {}, '5.1.2'],
  ['case N03: a domain that takes no mail', { 'a.test': mx([0, '.']) }, '5.1.10'],
  ['a domain whose exchanger does not exist', { 'a.test': mx([1, 'gone.test']) }, '5.1.2'],
])('%s: mail bounces without an attempt, and is reported', async (_what, table, status) => {
  const { spool, facts, attempts } = await startWorld(table, {})
  const message = to('u@a.test')
  spool.put(message, hello)
  await until('the message is reported', () => facts('dsnQueued').length === 1)
  expect(facts('bounced')).toMatchObject([
    [message.queueId, 'u@a.test', 'refused', expect.stringContaining(` ${status} `)],
  ])
  const dsn = [...spool.stored.values()].find((s) => s.envelope.reports)
  expect(String(dsn?.content)).toContain(`Status: ${status}\r\n`)
  expect(String(dsn?.content)).not.toContain('Remote-MTA')
  expect(attempts.filter((a) => a.queueId === message.queueId)).toEqual([])
})

test.each([
  ['SERVFAIL of DNS', { 'a.test': 'SERVFAIL' }, '4.4.3'],
  ['silence of DNS', { 'a.test': 'silence' }, '4.4.3'],
  ['case C10: an exchanger at the address of a metadata service', { 'a.test': at('169.254.169.254') }, '4.4.4'],
  ['an exchanger where nobody listens', { 'a.test': at('127.9.9.9') }, '4.4.1'],
] as const)('%s: mail is deferred by the schedule of the route', async (_what, table, status) => {
  const { spool, facts } = await startWorld({ ...table }, {})
  const { queueId } = spool.put(to('u@a.test'), hello).envelope
  await until('the message is deferred', () => facts('deferred').length === 1)
  await until('the spool has the outcome', () => spool.stored.get(queueId)?.recipients.every((s) => turnsOf(s) === 1))
  const [state] = spool.stored.get(queueId)?.recipients ?? []
  expect(state).toMatchObject({ state: 'pending' })
  // Where no attempt was made, only this event tells why the mail waits.
  expect(facts('deferred')).toMatchObject([[queueId, 'u@a.test', {}, expect.stringContaining(`451 ${status} `)]])
  expect(state?.nextAttemptAt).toBeGreaterThan(Date.now() + 3_000_000)
})

test('mail that an exchanger refuses bounces, and the DSN names the exchanger', async () => {
  const { spool, facts } = await startWorld(twoDomains, { [one]: { script: { RCPT: say('550 5.1.1 unknown') } } })
  spool.put(to('u@a.test'), hello)
  await until('the message is reported', () => facts('dsnQueued').length === 1)
  const dsn = String([...spool.stored.values()].find((s) => s.envelope.reports)?.content)
  expect(dsn).toContain('Remote-MTA: dns; mx.a.test\r\n')
  expect(dsn).toContain('It was refused at exchanger mx.a.test:')
})

test.each([
  ['a refusal in the banner', 'delivered', { banner: say('554 5.3.2 not today') }],
  ['421 at MAIL', 'delivered', { MAIL: say('421 4.3.2 going down') }],
  ['a full disk', 'delivered', { MAIL: say('452 4.3.1 Insufficient system storage') }],
  ['a disk that the content has filled', 'delivered', { dot: say('452 4.3.1 Insufficient system storage') }],
  ['a connection lost in the content', 'delivered', { DATA: drop }],
  ['a deferral of the recipient', 'pending', { RCPT: say('450 4.2.0 later') }],
  ['no answer after the dot', 'pending', { dot: drop }],
])('cases U01, U02, U13: after %s at the best exchanger the recipient is %s', async (_what, fate, script) => {
  const table = { ...twoDomains, 'a.test': mx([10, 'mx.a.test'], [20, 'mx.b.test']) }
  const { hosts, spool, quiet, attempted } = await startWorld(table, { [one]: { script }, [two]: {} })
  const { queueId } = spool.put(to('u@a.test'), hello).envelope
  await attempted(1)
  await quiet()
  expect(hosts[two].received.length).toBe(fate === 'delivered' ? 1 : 0)
  await until('the spool has the outcome', () =>
    fate === 'delivered' ? !spool.has(queueId) : spool.stored.get(queueId)?.recipients[0]?.attempts === 1,
  )
})

test('case N07: an address of an exchanger that does not answer is passed over within a second', async () => {
  const table = { 'a.test': mx([1, 'mx.a.test']), 'mx.a.test': [{ aaaa: '100::1' }, { a: one }] }
  const { spool } = await startWorld(table, { [one]: {} })
  const started = performance.now()
  spool.put(to('u@a.test'), hello)
  await until('the message is delivered', () => spool.stored.size === 0)
  expect(performance.now() - started).toBeLessThan(1000)
})

test.each([
  '500',
  '501',
  '502',
  '550',
  '554',
])('case U02: an exchanger that answers %s to EHLO gets its mail after HELO, and no extension is used', async (code) => {
  const script = { EHLO: say(`${code} 5.5.1 what?`), other: say('250-mx.a.test, hello\r\n250 SIZE 1') }
  const { hosts, spool, attempted, quiet } = await startWorld(twoDomains, { [one]: { script } })
  spool.put(to('u@a.test'), hello)
  await attempted(1)
  await quiet()
  expect(hosts[one].lines.slice(0, 3)).toEqual([
    'EHLO relay.example.org',
    'HELO relay.example.org',
    expect.stringMatching(/^MAIL FROM:<[^ ]*>$/),
  ])
  expect(hosts[one].received).toHaveLength(1)
})

test.each([
  ['refuses that, too', say('550 5.7.1 go away')],
  ['hangs up', drop],
] as const)('case U02: where an exchanger refuses EHLO, and at HELO %s, what it said to EHLO is the reason', async (_what, other) => {
  const script = { EHLO: say('554 5.7.1 your address is on a list'), other }
  const { hosts, spool, attempts, attempted } = await startWorld(twoDomains, { [one]: { script } })
  spool.put(to('u@a.test'), hello)
  await attempted(1)
  expect(hosts[one].lines.slice(0, 2)).toEqual(['EHLO relay.example.org', 'HELO relay.example.org'])
  expect(attempts[0]?.outcome.kind).toBe('deferred')
  expect(attempts[0]?.outcome.reply.text).toBe('EHLO was answered 554 5.7.1 your address is on a list')
})

test('a domain whose exchanger is silent delays no other domain, and no domain has more connections than it may', async () => {
  const { hosts, spool } = await startWorld(
    twoDomains,
    { [one]: { script: { banner: silence } }, [two]: {} },
    { deadlines: allWithin(3000), bounds: { maxConnections: 4, maxConnectionsPerDomain: 2 } },
  )
  for (let n = 0; n < 100; n++) spool.put(to(`u${n}@a.test`), hello)
  for (let n = 0; n < 100; n++) spool.put(to(`v${n}@b.test`), hello)
  await until('the other domain has all of its mail', () => hosts[two].received.length === 100)
  // An exchanger that has not worked yet is tried by one message at a time.
  expect(hosts[one].most()).toBe(1)
  expect(hosts[two].most()).toBeLessThanOrEqual(2)
})

test('while one message probes an exchanger that is silent, the next exchanger takes all other messages', async () => {
  const { hosts, spool } = await startWorld(
    { 'a.test': mx([1, 'm1.test'], [2, 'm2.test']), 'm1.test': at(one), 'm2.test': at(two) },
    { [one]: { script: { banner: (time) => (time === 0 ? drop : silence) } }, [two]: {} },
  )
  await until('the first has failed, and is probed', () => {
    spool.put(to('u@a.test'), hello)
    return hosts[one].times('banner') === 2
  })
  for (let n = 0; n < 50; n++) spool.put(to(`u${n}@a.test`), hello)
  await until('only the probe is left', () => spool.stored.size === 1)
  expect(hosts[one].times('banner')).toBe(2)
})

test('all mail that waits for a dead domain is deferred after few attempts, and none is lost', async () => {
  const { spool, attempts, facts, delivery } = await startWorld({ 'a.test': at('127.9.9.9') }, {})
  for (let n = 0; n < 400; n++) spool.put(to(`u${n}@a.test`), hello)
  await until('all are deferred', () => facts('deferred').length === 400)
  await until('the spool has the outcome', () =>
    [...spool.stored.values()].every((s) => s.recipients.every((state) => turnsOf(state) === 1)),
  )
  expect(attempts.length).toBeLessThan(40)
  expect(delivery.summary()).toMatchObject({ ready: 0, deferred: 400, inFlight: 0 })
})

test('connections of a route and of a domain are bounded, and closed when a domain has no more mail', async () => {
  const slow = { script: { dot: say('250 2.0.0 queued', { afterMs: 20 }) } }
  const { hosts, spool } = await startWorld(
    { 'a.test': mx([1, 'm1.test'], [1, 'm2.test']), 'm1.test': at(one), 'm2.test': at(two) },
    { [one]: slow, [two]: slow },
    { bounds: { maxConnections: 50, maxConnectionsPerDomain: 3 } },
  )
  for (let n = 0; n < 100; n++) spool.put(to(`u${n}@a.test`), hello)
  let most = 0
  await until('all are delivered', () => {
    most = Math.max(most, hosts[one].open() + hosts[two].open())
    return spool.stored.size === 0
  })
  expect(most).toBeGreaterThan(1)
  expect(most).toBeLessThanOrEqual(3)
  expect(hosts[one].connections() + hosts[two].connections()).toBeLessThan(50)
  await until('all are closed', () => hosts[one].open() + hosts[two].open() === 0)
})

test('reloads give a domain no more connections than it may have, however many there are (case R15)', async () => {
  const { hosts, spool, reload, routes } = await startWorld(
    twoDomains,
    { [one]: { script: { dot: (time) => (time === 0 ? undefined : silence) } }, [two]: {} },
    { bounds: { maxConnections: 50, maxConnectionsPerDomain: 3 } },
  )
  for (let n = 0; n < 30; n++) spool.put(to(`u${n}@a.test`), hello)
  const underWay = () => hosts[one].times('dot') - 1
  await until('the domain has all that it may have', () => underWay() === 3)
  for (let n = 1; n <= 4; n++) {
    reload(routes)
    spool.put(to(`v${n}@b.test`), hello)
    await until('mail goes on', () => hosts[two].received.length === n)
  }
  expect(underWay()).toBe(3)
})

test('mail to 600 domains with one exchanger is delivered once each, with few sockets and timers at one time', async () => {
  const count = 600
  const table: Table = { 'mx.test': at(one) }
  for (let n = 0; n < count; n++) table[`d${n}.test`] = mx([1, 'mx.test'])
  const { hosts, spool } = await startWorld(table, { [one]: {} }, { bounds: { maxConnections: 8 } })
  let timers = 0
  for (let n = 0; n < count; n++) spool.put(to(`u@d${n}.test`), hello)
  await until('all are delivered', () => {
    timers = Math.max(timers, process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length)
    return spool.stored.size === 0
  })
  expect(rcptOf(hosts[one].received)).toEqual(Array.from({ length: count }, (_, n) => `u@d${n}.test`).toSorted())
  // Beside each connection that is in use the one before it may still be ending.
  expect(hosts[one].most()).toBeLessThanOrEqual(16)
  expect(timers).toBeLessThan(400)
})

test.each([
  ['to the same routes', (own: readonly ReturnType<typeof route>[], _port: number) => own],
  ['to a smarthost', (_: unknown, port: number) => [route('out', [smarthost('s', port)])]],
])('a reload %s keeps all mail, and each message is delivered once', async (_what, next) => {
  const upstream = await startSmarthost()
  const table: Table = { 'mx.test': at(one) }
  for (let n = 0; n < 200; n++) table[`d${n}.test`] = mx([1, 'mx.test'])
  const { hosts, spool, reload, routes } = await startWorld(table, { [one]: {} }, { bounds: { maxConnections: 2 } })
  for (let n = 0; n < 200; n++) spool.put(to(`u@d${n}.test`, `v@d${n % 7}.test`), hello)
  await until('some are delivered', () => hosts[one].received.length > 20)
  for (let n = 0; n < 3; n++) reload(routes)
  reload(next(routes, upstream.port))
  await until('all are delivered', () => spool.stored.size === 0)
  const all = [...rcptOf(hosts[one].received), ...rcptOf(upstream.received)].toSorted()
  expect(all).toEqual(
    Array.from({ length: 200 }, (_, n) => [`u@d${n}.test`, `v@d${n % 7}.test`])
      .flat()
      .toSorted()
      .filter((a, i, s) => a.startsWith('v') || s.indexOf(a) === i),
  )
})

test('where port 25 is closed on the way out the status says so of the route, and names no domain', async () => {
  const table: Table = { 'good.test': at(one) }
  for (let n = 0; n < 12; n++) table[`d${n}.test`] = at('127.9.9.9')
  const { spool, facts, delivery, attempted } = await startWorld(table, { [one]: {} })
  expect(delivery.smarthosts()).toEqual([{ route: 'out', name: 'mx', health: 'unproven' }])
  for (let n = 0; n < 12; n++) spool.put(to(`u@d${n}.test`), hello)
  await until('all are deferred', () => facts('deferred').length === 12)
  const [told] = delivery.smarthosts()
  expect(told).toMatchObject({ route: 'out', name: 'mx', health: 'ejected', lastReply: { status: '4.4.1' } })
  expect(JSON.stringify(told)).not.toContain('.test')
  spool.put(to('u@good.test'), hello)
  await attempted(13)
  await until('the message is delivered', () => delivery.smarthosts()[0]?.health === 'healthy')
})

test('an exchanger that wants a login for a domain that it does not serve is not left out for those that it serves', async () => {
  const table = { 'gone.test': mx([1, 'mx.test']), 'b.test': mx([1, 'mx.test']), 'mx.test': at(one) }
  const RCPT = (_: number, line: string) =>
    line.includes('gone.test') ? say('530 SMTP authentication is required.') : undefined
  const { hosts, spool, attempts, attempted } = await startWorld(table, { [one]: { script: { RCPT } } })
  spool.put(to('u@gone.test'), hello)
  await attempted(1)
  expect(attempts[0]?.outcome).toMatchObject({ kind: 'deferred', scope: 'nextHop', reply: { status: '4.7.8' } })
  spool.put(to('u@b.test'), hello)
  await until('the other domain has its mail', () => hosts[one].received.length === 1)
})

test('after a throttling reply a domain is asked again after a pause, and nothing bounces', async () => {
  const script = {
    MAIL: (time: number) => (time === 0 ? say('454 4.7.0 Throttling failure: rate exceeded') : undefined),
  }
  const { hosts, spool, facts } = await startWorld(twoDomains, { [one]: { script } }, { random: () => 0 })
  for (let n = 0; n < 4; n++) spool.put(to(`u${n}@a.test`), hello)
  await until('the others are delivered', () => hosts[one].received.length === 3)
  expect(facts('bounced')).toEqual([])
  expect(facts('deferred')).toHaveLength(1)
})

test('recipients that are given up while a report is written are in the next one: few reports, and each recipient in one of them', async () => {
  const spool = new MemorySpool()
  const paths = Array.from({ length: 12 }, (_, n) => `u@gone${n}.test`)
  const { facts, quiet } = await startWorld({}, {}, { spool })
  const all = (): boolean => facts('bounced').length === paths.length
  spool.before = async (operation) => {
    if (operation === 'commit') await until('all are given up', all)
  }
  const { queueId } = spool.put(to(...paths), hello).envelope
  await until('the message has left the queue', () => !spool.has(queueId))
  await quiet()
  const reports = [...spool.stored.values()].flatMap(({ envelope }) => envelope.reports ?? [])
  expect(reports.flatMap(({ forwardPaths }) => forwardPaths).toSorted()).toEqual(paths.toSorted())
  expect(reports.length).toBeLessThanOrEqual(2)
  expect(facts('dsnQueued')).toHaveLength(reports.length)
})

test('property: each recipient ends delivered, deferred or bounced, by exactly one outcome', async () => {
  const fates = {
    'good.test': mx([1, 'mx.good.test']),
    'mx.good.test': at(one),
    'second.test': mx([1, 'down.test'], [2, 'mx.good.test']),
    'down.test': at('127.9.9.9'),
    'dead.test': at('127.9.9.8'),
    'null.test': mx([0, '.']),
    'ill.test': 'SERVFAIL',
    'inside.test': at('10.0.0.1'),
    'drops.test': at(two),
  } satisfies Table
  const expected = {
    'good.test': 'delivered',
    'second.test': 'delivered',
    'gone.test': 'bounced',
    'null.test': 'bounced',
    'dead.test': 'pending',
    'ill.test': 'pending',
    'inside.test': 'pending',
    'drops.test': 'pending',
  } as const
  const domains = fc.constantFrom(...(Object.keys(expected) as (keyof typeof expected)[]))
  const messages = fc.array(fc.uniqueArray(domains, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(messages, async (all) => {
      const spool = new MemorySpool()
      const { hosts, delivery, facts } = await startWorld(
        fates,
        { [one]: {}, [two]: { script: { DATA: drop } } },
        { spool },
      )
      const sent = all.map((own, n) => to(...own.map((d) => `u${n}@${d}`)))
      for (const message of sent) spool.put(message, hello)
      const recipients = sent.flatMap((m) => m.forwardPaths.map((path) => [m.queueId, path] as const))
      const stateOf = ([queueId, path]: readonly [string, string]) => {
        const stored = spool.stored.get(queueId)
        return stored?.recipients.find((r) => r.forwardPath === path)
      }
      const isSettled = (r: readonly [string, string]): boolean => {
        const state = stateOf(r)
        return state === undefined || turnsOf(state) > 0
      }
      await until('each has an outcome', () => recipients.every(isSettled) && delivery.summary().inFlight === 0)
      const of = (fate: string) =>
        recipients.filter(([, p]) => expected[p.split('@')[1] as keyof typeof expected] === fate)
      expect(rcptOf(hosts[one].received)).toEqual(
        of('delivered')
          .map(([, p]) => p)
          .toSorted(),
      )
      const bounced = facts('bounced').map(([queueId, path]) => `${queueId} ${path}`)
      expect(bounced.toSorted()).toEqual(
        of('bounced')
          .map((r) => r.join(' '))
          .toSorted(),
      )
      const waiting = recipients.filter((r) => stateOf(r)?.state === 'pending')
      expect(waiting).toEqual(of('pending'))
      const turns = waiting.map(stateOf).map((state) => state && turnsOf(state))
      expect(turns).toEqual(waiting.map(() => 1))
      await delivery.close(0)
      await Promise.all(Object.values(hosts).map((host) => host.stop()))
    }),
    { numRuns: 15 },
  )
}, 60_000)
