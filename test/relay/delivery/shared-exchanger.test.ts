/** Domains that have an exchanger in common share its connections, and take turns where it takes few. */
import { expect, test } from 'vitest'
import { until } from '../../local/until.ts'
import { type Script, say, silence } from './behaviour.ts'
import type { Table } from './name-server.ts'
import { hello } from './samples.ts'
import type { Smarthost } from './smarthost.ts'
import { at, mx, one, rcptOf, to, two } from './two-domains.ts'
import { startWorld } from './world.ts'

/** Domains d0.test, d1.test, …, all with one exchanger. */
function domains(count: number): Table {
  const table: Table = { 'mx.test': at(one) }
  for (let n = 0; n < count; n++) table[`d${n}.test`] = mx([10, 'mx.test'])
  return table
}

/** They have one exchanger that takes `most` connections at one time, and answers further ones with 421. */
async function startNarrow(count: number, most: number, bounds = {}) {
  const full = say('421 4.7.0 Error: too many connections', { ends: 'drop' })
  const narrow: { host?: Smarthost } = {}
  const world = await startWorld(
    domains(count),
    { [one]: { script: { banner: () => ((narrow.host?.open() ?? 0) > most ? full : undefined) } } },
    { bounds },
  )
  narrow.host = world.hosts[one]
  return { ...world, host: world.hosts[one] }
}

test.each([
  ['', {}],
  [', on a route with as many', { maxConnections: 5 }],
  [', each domain with one', { maxConnectionsPerDomain: 1 }],
])('case U23: an exchanger of 30 domains that takes 5 connections has all mail at the first attempt%s', async (_what, bounds) => {
  const { host, spool, attempts, facts } = await startNarrow(30, 5, bounds)
  const expected: string[] = []
  for (let n = 0; n < 90; n++) {
    const forwardPath = `u${n}@d${n % 30}.test`
    expected.push(forwardPath)
    spool.put(to(forwardPath), hello)
  }
  await until(
    'the spool is empty, or something is deferred',
    () => spool.stored.size === 0 || facts('deferred').length > 0,
  )
  expect(facts('deferred')).toEqual([])
  expect(attempts.filter((a) => a.outcome.kind !== 'delivered')).toEqual([])
  expect(rcptOf(host.received)).toEqual(expected.toSorted())
})

test('a connection that one domain has opened carries the mail of another', async () => {
  const { host, spool } = await startNarrow(40, 1)
  for (let n = 0; n < 40; n++) spool.put(to(`u@d${n}.test`), hello)
  await until('all are delivered', () => spool.stored.size === 0)
  expect(host.received).toHaveLength(40)
  // Where the last domain of a moment has no more mail, its connection is closed.
  expect(host.times('banner')).toBeLessThan(20)
})

test('case U23: domains take turns at an exchanger that takes one connection: few messages do not wait for all of a domain with many', async () => {
  const { host, spool, facts } = await startNarrow(2, 1)
  for (let n = 0; n < 200; n++) spool.put(to(`u${n}@d0.test`), hello)
  await until('the first domain is under way', () => host.received.length > 0)
  for (let n = 0; n < 3; n++) spool.put(to(`v${n}@d1.test`), hello)
  await until('all are delivered', () => spool.stored.size === 0)
  expect(facts('deferred')).toEqual([])
  const last = host.received.findLastIndex(({ rcpt }) => rcpt[0]?.includes('@d1.test'))
  expect(last).toBeLessThan(150)
})

test('an exchanger is better for one domain and worse for another: each keeps its own order', async () => {
  const table: Table = {
    'a.test': mx([10, 'm1.test'], [20, 'm2.test']),
    'b.test': mx([10, 'm2.test'], [20, 'm1.test']),
    'm1.test': at(one),
    'm2.test': at(two),
  }
  const { hosts, spool } = await startWorld(table, { [one]: {}, [two]: {} })
  for (let n = 0; n < 20; n++) {
    spool.put(to(`u${n}@a.test`), hello)
    spool.put(to(`v${n}@b.test`), hello)
  }
  await until('all are delivered', () => spool.stored.size === 0)
  expect(rcptOf(hosts[one].received).every((path) => path.endsWith('@a.test'))).toBe(true)
  expect(rcptOf(hosts[two].received).every((path) => path.endsWith('@b.test'))).toBe(true)
})

test('case U23: when one domain holds every connection of an exchanger, the next one that is free is for another domain', async () => {
  const { host, spool, facts } = await startNarrow(2, 5)
  spool.put(to('first@d0.test'), hello)
  await until('the exchanger has worked', () => spool.stored.size === 0)
  const freed = Promise.withResolvers<void>()
  host.script.dot = (time) => {
    if (time === 1) return say('250 2.0.0 queued', { after: freed.promise })
    return time <= 5 ? silence : undefined
  }
  for (let n = 0; n < 10; n++) spool.put(to(`u${n}@d0.test`), hello)
  await until('the domain has all that it may have', () => host.times('dot') === 6)
  const banners = host.times('banner')
  spool.put(to('v@d1.test'), hello)
  await until('a further connection was refused', () => host.times('banner') > banners)
  freed.resolve()
  await until('all is delivered but what is held', () => spool.stored.size === 4)
  expect(host.received.slice(0, 3).map(({ rcpt }) => rcpt[0])).toEqual([
    'RCPT TO:<first@d0.test>',
    expect.stringContaining('@d0.test'),
    'RCPT TO:<v@d1.test>',
  ])
  expect(facts('deferred')).toEqual([])
})

test('case U23: once an exchanger has taken connections further domains open theirs, and do not wait for an end of what hangs there', async () => {
  const { host, spool } = await startNarrow(9, 20)
  spool.put(to('first@d0.test'), hello)
  await until('the exchanger has worked', () => spool.stored.size === 0)
  host.script.banner = say('220 late', { afterMs: 500 })
  host.script.dot = (time) => (time <= 5 ? silence : undefined)
  for (let n = 0; n < 9; n++) spool.put(to(`u@d${n}.test`), hello)
  await until('all is delivered but what hangs', () => spool.stored.size === 5)
})

test('an exchanger that has moved gets mail at its new address, also while mail of another domain hangs at the former one', async () => {
  const table: Table = { 'a.test': mx([10, 'mx.test']), 'b.test': mx([10, 'mx.test']), 'mx.test': at(one) }
  const script: Script = { dot: (time) => (time === 0 ? undefined : silence) }
  const { hosts, dns, spool } = await startWorld(table, { [one]: { script }, [two]: {} })
  spool.put(to('first@a.test'), hello)
  await until('the exchanger has worked', () => spool.stored.size === 0)
  spool.put(to('u@a.test'), hello)
  await until('the second one hangs', () => hosts[one].times('dot') === 2)
  dns.table['mx.test'] = at(two)
  spool.put(to('v@b.test'), hello)
  await until('the third one is delivered', () => spool.stored.size === 1)
  expect(rcptOf(hosts[two].received)).toEqual(['v@b.test'])
})

test('a domain that has mail all the time goes to its new exchangers within a minute, and holds no connection to those of before', async () => {
  let time = Date.now()
  const table: Table = { 'a.test': mx([10, 'm1.test']), 'm1.test': at(one), 'm2.test': at(two) }
  const { hosts, dns, spool } = await startWorld(table, { [one]: {}, [two]: {} }, { now: () => time })
  spool.put(to('first@a.test'), hello)
  await until('the exchanger has worked', () => spool.stored.size === 0)
  const goesOn = Promise.withResolvers<void>()
  hosts[one].script.dot = say('250 2.0.0 queued', { after: goesOn.promise })
  spool.put(to('u@a.test'), hello)
  await until('the second one is on its way', () => hosts[one].times('dot') === 2)
  dns.table['a.test'] = mx([10, 'm2.test'])
  time += 60_001
  // Those that come while DNS is asked still go to the former one.
  let n = 0
  await until('mail is at the new one', () => {
    spool.put(to(`v${n++}@a.test`), hello)
    return hosts[two].received.length > 0
  })
  const late = to('w@a.test')
  spool.put(late, hello)
  await until('all later mail is there', () => !spool.stored.has(late.queueId))
  expect(rcptOf(hosts[two].received)).toContain('w@a.test')
  goesOn.resolve()
  await until('all is delivered', () => spool.stored.size === 0)
  await until('the former connections are closed', () => hosts[one].open() === 0)
})
