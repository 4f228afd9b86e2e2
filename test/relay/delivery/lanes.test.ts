/** Whoever has no lane to a domain gets one, although other domains always have mail, or are silent. */
import { expect, test } from 'vitest'
import { until } from '../../local/until.ts'
import { say, silence } from './behaviour.ts'
import type { Entry, Table } from './name-server.ts'
import { allWithin } from './rig.ts'
import { envelope, hello } from './samples.ts'
import { startWorld } from './world.ts'

const host = '127.0.7.3'
const silent = '127.0.7.4'
const toHost: readonly Entry[] = [{ mx: [1, 'mx.test'] }]

test('a credential gets a lane although others keep one that was opened for it, where it has no mail any more (case R15)', async () => {
  // As many domains as there are lanes, without the one more that each credential may have.
  const busy = Array.from({ length: 34 }, (_, n) => `d${n}.test`)
  const table: Table = { 'mx.test': [{ a: host }] }
  for (const domain of [...busy, 'first.test', 'second.test']) table[domain] = toHost
  const { hosts, spool } = await startWorld(table, { [host]: {} }, { bounds: { maxConnections: 2 } })
  const send = (credential: string, domain: string): void =>
    void spool.put(envelope(hello, { credential, forwardPaths: [`${credential.slice(2)}@${domain}`] }), hello)
  const sent = new Map<string, number>()
  const got = (who: string): number => hosts[host].received.filter(({ rcpt }) => rcpt[0]?.includes(who)).length
  const flood = (domains: readonly string[]): void => {
    for (const domain of domains) {
      const before = sent.get(domain) ?? 0
      const missing = Math.max(0, 40 - before + got(`flood@${domain}`))
      for (let n = 0; n < missing; n++) send('a/flood', domain)
      sent.set(domain, before + missing)
    }
  }
  flood(busy)
  await until('the flood is under way', () => got('flood@') > 0)
  send('b/web', 'first.test')
  send('b/web', 'second.test')
  const bothHaveArrived = (): boolean => {
    flood([...busy, 'first.test'])
    return got('web@') === 2
  }
  // On a busy machine the flood before them takes a while.
  await until('both have arrived', bothHaveArrived, 25_000)
  expect(got('web@second.test')).toBe(1)
})

test('a domain that always has mail makes room for others after twenty messages (case R15)', async () => {
  const table: Table = { 'mx.test': [{ a: host }] }
  for (const domain of ['a.test', 'b.test', 'late.test']) table[domain] = toHost
  const { hosts, spool } = await startWorld(table, { [host]: {} }, { bounds: { maxConnections: 2 } })
  const put = (to: string): void => void spool.put(envelope(hello, { forwardPaths: [to] }), hello)
  for (let n = 0; n < 400; n++) put(`u${n}@${n % 2 === 0 ? 'a' : 'b'}.test`)
  await until('the flood is under way', () => hosts[host].received.length > 10)
  put('late@late.test')
  await until('all are delivered', () => spool.stored.size === 0)
  expect(rcptIndex(hosts[host].received, 'late@')).toBeLessThan(150)
})

test('while a route has all its connections in use for other domains, a domain whose mail waits holds none open', async () => {
  const other = '127.0.7.5'
  const table: Table = {
    'a.test': toHost,
    'mx.test': [{ a: host }],
    'b.test': [{ mx: [1, 'other.test'] }],
    'other.test': [{ a: other }],
  }
  const goesOn = Promise.withResolvers<void>()
  const dot = say('250 2.0.0 queued', { after: goesOn.promise })
  const hosts = { [host]: {}, [other]: { script: { dot } } }
  const world = await startWorld(table, hosts, { bounds: { maxConnections: 1 } })
  const put = (to: string): void => void world.spool.put(envelope(hello, { forwardPaths: [to] }), hello)
  for (let n = 0; n < 300; n++) put(`u${n}@a.test`)
  put('v@b.test')
  await until('the other domain has the connection', () => world.hosts[other].times('dot') === 1)
  expect(world.spool.stored.size).toBeGreaterThan(1)
  await until('none is open to the first one', () => world.hosts[host].open() === 0)
  goesOn.resolve()
  await until('all are delivered', () => world.spool.stored.size === 0)
})

test('a credential that sends to one domain does not wait for a flood of another one to hundreds of domains', async () => {
  const table: Table = { 'mx.test': [{ a: host }], 'late.test': toHost }
  for (let n = 0; n < 500; n++) table[`d${n}.test`] = toHost
  const { hosts, spool } = await startWorld(table, { [host]: {} }, { bounds: { maxConnections: 4 } })
  for (let n = 0; n < 500; n++)
    spool.put(envelope(hello, { forwardPaths: [`u@d${n}.test`], credential: 'a/flood' }), hello)
  spool.put(envelope(hello, { forwardPaths: ['late@late.test'], credential: 'b/web' }), hello)
  await until('all are delivered', () => spool.stored.size === 0)
  expect(rcptIndex(hosts[host].received, 'late@')).toBeLessThan(350)
})

test('a credential that sends to one domain does not wait for a flood that keeps every lane (case R15)', async () => {
  const table: Table = { 'mx.test': [{ a: host }], 'late.test': toHost, 'later.test': toHost }
  for (let n = 0; n < 40; n++) table[`d${n}.test`] = toHost
  const { hosts, spool } = await startWorld(table, { [host]: {} }, { bounds: { maxConnections: 2 } })
  for (let n = 0; n < 2400; n++)
    spool.put(envelope(hello, { forwardPaths: [`u@d${n % 40}.test`], credential: 'a/flood' }), hello)
  for (const to of ['late@late.test', 'late@later.test'])
    spool.put(envelope(hello, { forwardPaths: [to], credential: 'b/web' }), hello)
  await until('the message is delivered', () => rcptIndex(hosts[host].received, '@late.test') >= 0)
  // Each lane before it has a turn of twenty messages.
  expect(rcptIndex(hosts[host].received, '@late.test')).toBeLessThan(800)
  await until('the other one is delivered, too', () => rcptIndex(hosts[host].received, '@later.test') >= 0)
  await until('all are delivered', () => spool.stored.size === 0)
})

test('a flood to hundreds of silent domains holds another credential up for no more than a few time-outs', async () => {
  const table: Table = { 'good.test': [{ a: host }] }
  for (let n = 0; n < 400; n++) table[`d${n}.test`] = [{ a: silent }]
  const { hosts, spool } = await startWorld(
    table,
    { [silent]: { script: { banner: silence } }, [host]: {} },
    { deadlines: allWithin(400), bounds: { maxConnections: 4 } },
  )
  for (let n = 0; n < 400; n++)
    spool.put(envelope(hello, { forwardPaths: [`u@d${n}.test`], credential: 'a/flood' }), hello)
  await until('the flood is under way', () => hosts[silent].connections() >= 8)
  spool.put(envelope(hello, { forwardPaths: ['u@good.test'], credential: 'b/web' }), hello)
  await until('the message is delivered', () => hosts[host].received.length === 1)
  // Only lanes that waited before it, that were being read and that were in use came first, not all of the hundreds.
  expect(hosts[silent].connections()).toBeLessThan(60)
})

const rcptIndex = (received: readonly { readonly rcpt: readonly string[] }[], who: string): number =>
  received.findIndex((r) => r.rcpt[0]?.includes(who))

test('a credential without a connection of a route gets one, however many silent domains another one writes to (case R15)', async () => {
  const table: Table = { 'good.test': toHost, 'mx.test': [{ a: host }] }
  for (let n = 0; n < 100; n++) {
    table[`d${n}.test`] = [{ mx: [1, `mx${n}.test`] }]
    table[`mx${n}.test`] = [{ a: silent }]
  }
  const { hosts, spool } = await startWorld(
    table,
    { [host]: {}, [silent]: { script: { dot: silence } } },
    { bounds: { maxConnections: 20 }, deadlines: allWithin(120_000) },
  )
  for (let n = 0; n < 100; n++)
    spool.put(envelope(hello, { forwardPaths: [`u@d${n}.test`], credential: 'a/flood' }), hello)
  await until('the silent domains hold their connections', () => hosts[silent].times('dot') >= 18)
  for (let n = 0; n < 30; n++)
    spool.put(envelope(hello, { forwardPaths: [`v${n}@good.test`], credential: `b/web${n % 3}` }), hello)
  await until('the others have their mail', () => hosts[host].received.length === 30)
  expect(hosts[silent].open()).toBe(18)
  expect(hosts[host].most()).toBeLessThanOrEqual(4)
})
