/** The exchangers of a domain, looked up by RFC 5321 section 5.1 at a DNS server that may fail, be silent or lie. */
import { setImmediate as turn } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type Dns, systemDns } from '../../../relay/delivery/dns.ts'
import { findExchangers } from '../../../relay/delivery/exchangers.ts'
import { replyLine } from '../../../relay/mail/reply.ts'
import { a, around, limitMs } from './around-dns.ts'
import { startNameServer, type Table, types } from './name-server.ts'
import { mx } from './two-domains.ts'

async function found(table: Table, domain = 'x.test') {
  const { server } = await startNameServer(table)
  const answer = await findExchangers(domain, around(server))
  return answer.kind === 'exchangers'
    ? answer.exchangers.map(({ host, addresses }) => `${host} ${addresses.map((one) => one.address).join(' ')}`)
    : `${answer.outcome.kind} ${replyLine(answer.outcome.reply)}`
}

test.each<[string, Table, readonly string[]]>([
  [
    'the one of the lowest preference comes first',
    { 'x.test': mx([20, 'b.x.test'], [10, 'a.x.test']), 'a.x.test': a, 'b.x.test': [{ a: '192.0.2.2' }] },
    ['a.x.test 192.0.2.1', 'b.x.test 192.0.2.2'],
  ],
  ['without an MX record it is the domain itself', { 'x.test': a }, ['x.test 192.0.2.1']],
  [
    'without an MX record it is the domain itself, also where that has IPv6 only',
    { 'x.test': [{ aaaa: '2001:db8::1' }] },
    ['x.test 2001:db8::1'],
  ],
  [
    'one with IPv4 and IPv6 has the addresses of both',
    { 'x.test': mx([1, 'a.x.test']), 'a.x.test': [{ aaaa: '2001:db8::1' }, { a: '192.0.2.1' }] },
    ['a.x.test 2001:db8::1 192.0.2.1'],
  ],
  [
    'the addresses of one come from both families in turn: of more than are tried, neither family is left out',
    {
      'x.test': mx([1, 'a.x.test']),
      'a.x.test': [...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => ({ aaaa: `2001:db8::${n}` })), { a: '192.0.2.1' }],
    },
    ['a.x.test 2001:db8::1 192.0.2.1 2001:db8::2 2001:db8::3 2001:db8::4 2001:db8::5 2001:db8::6 2001:db8::7'],
  ],
  [
    'one that has no address is passed over',
    { 'x.test': mx([1, 'gone.test'], [1, 'empty.test'], [2, 'a.x.test']), 'empty.test': [], 'a.x.test': a },
    ['a.x.test 192.0.2.1'],
  ],
  [
    'one that can not be looked up now is passed over',
    { 'x.test': mx([1, 'ill.test'], [2, 'a.x.test']), 'ill.test': 'SERVFAIL', 'a.x.test': a },
    ['a.x.test 192.0.2.1'],
  ],
  [
    'one that stands in many records is one exchanger, at its best, and takes no place from others',
    {
      'x.test': mx(...[60, 50, 10, 40, 30].map((n) => [n, 'a.x.test'] as const), [20, 'b.x.test'], [70, 'c.x.test']),
      'a.x.test': a,
      'b.x.test': [{ a: '192.0.2.2' }],
      'c.x.test': [{ a: '192.0.2.3' }],
    },
    ['a.x.test 192.0.2.1', 'b.x.test 192.0.2.2', 'c.x.test 192.0.2.3'],
  ],
  [
    'one that is an address, or no host name, is passed over',
    {
      'x.test': mx([1, '192.0.2.9'], [1, 'a b.test'], [1, 'a\r\nb.test'], [1, 'host'], [2, 'A.x.test']),
      'a.x.test': a,
    },
    ['a.x.test 192.0.2.1'],
  ],
  [
    'an empty name beside others is passed over',
    { 'x.test': mx([0, '.'], [2, 'a.x.test']), 'a.x.test': a },
    ['a.x.test 192.0.2.1'],
  ],
  [
    'case C10: of an exchanger only what is on the Internet is used',
    {
      'x.test': mx([1, 'a.x.test']),
      'a.x.test': [{ a: '127.0.0.1' }, { a: '169.254.169.254' }, { a: '192.0.2.1' }, { aaaa: '::1' }],
    },
    ['a.x.test 192.0.2.1'],
  ],
  [
    'only those better than this relay count: an equal or worse one would send the mail round in a circle',
    {
      'x.test': mx([5, 'a.x.test'], [10, 'relay.example.org'], [10, 'b.x.test'], [20, 'c.x.test']),
      'a.x.test': a,
      'b.x.test': a,
      'c.x.test': a,
    },
    ['a.x.test 192.0.2.1'],
  ],
])('the exchangers of a domain: %s', async (_what, table, expected) => {
  expect(await found(table)).toEqual(expected)
})

test.each<[string, Table, string]>([
  ['case N03: a domain that does not exist', {}, 'bounced 550 5.1.2 the domain x.test does not exist'],
  [
    'case N03: a domain that takes no mail (RFC 7505)',
    { 'x.test': mx([0, '.']) },
    'bounced 556 5.1.10 the domain x.test takes no mail',
  ],
  [
    'a domain with neither MX record nor address',
    { 'x.test': [] },
    'bounced 550 5.1.2 no exchanger of x.test has an address',
  ],
  [
    'a domain whose exchangers have no addresses',
    { 'x.test': mx([1, 'a.x.test'], [2, 'b.x.test']), 'a.x.test': [] },
    'bounced 550 5.1.2 no exchanger of x.test has an address',
  ],
  [
    'a domain whose only MX record has an address for a name',
    { 'x.test': mx([1, '192.0.2.9']) },
    'bounced 550 5.1.2 no MX record of x.test names a host',
  ],
  [
    'a domain whose best exchanger is this relay',
    { 'x.test': mx([10, 'relay.example.org'], [20, 'b.x.test']), 'b.x.test': a },
    'bounced 554 5.4.6 the best exchanger of x.test is this relay, which takes no mail for it',
  ],
  ['SERVFAIL', { 'x.test': 'SERVFAIL' }, 'deferred 451 4.4.3 the exchangers of x.test are not known now (SERVFAIL)'],
  [
    'case N01: an error that Node has no name for',
    { 'x.test': 'NOTAUTH' },
    'deferred 451 4.4.3 the exchangers of x.test are not known now (the name server answers with error 9)',
  ],
  [
    'case N01: such an error where the exchangers are asked for, and addresses of the domain itself',
    { 'x.test': (_time, type) => (type === types.mx ? 'NOTAUTH' : a) },
    'deferred 451 4.4.3 the exchangers of x.test are not known now (the name server answers with error 9)',
  ],
  ...[types.a, types.aaaa].map((ill): [string, Table, string] => [
    `case N01: such an error where the addresses of an exchanger are asked for (type ${ill})`,
    { 'x.test': mx([1, 'a.x.test']), 'a.x.test': (_time, type) => (type === ill ? 'NOTAUTH' : []) },
    'deferred 451 4.4.3 a.x.test was not resolved (the name server answers with error 9)',
  ]),
  ['REFUSED', { 'x.test': 'REFUSED' }, 'deferred 451 4.4.3 the exchangers of x.test are not known now (REFUSED)'],
  [
    'a domain with an exchanger that can not be looked up now, and another one that does not exist',
    { 'x.test': mx([1, 'gone.test'], [2, 'ill.test']), 'ill.test': 'SERVFAIL' },
    'deferred 451 4.4.3 ill.test was not resolved (SERVFAIL)',
  ],
  ...[types.a, types.aaaa].map((ill): [string, Table, string] => [
    `case N01: a domain whose exchanger has no address of one family, while those of the other (type ${ill}) can not be looked up now`,
    { 'x.test': mx([1, 'a.x.test']), 'a.x.test': (_time, type) => (type === ill ? 'SERVFAIL' : []) },
    'deferred 451 4.4.3 a.x.test was not resolved (SERVFAIL)',
  ]),
  [
    'case C10: an exchanger on this machine',
    { 'x.test': mx([1, 'a.x.test']), 'a.x.test': [{ a: '127.0.0.1' }] },
    'deferred 451 4.4.4 a.x.test is at 127.0.0.1, which is not on the Internet; a host of your own needs a route of type Smarthost',
  ],
  [
    'a domain that is an alias of itself',
    { 'x.test': [{ cname: 'x.test' }] },
    'bounced 550 5.1.2 no exchanger of x.test has an address',
  ],
])('without an exchanger, mail to a domain has an outcome that says why: %s: %s', async (_what, table, expected) => {
  expect(await found(table)).toBe(expected)
})

test.each<[string, Table]>([
  ['no record of the domain', { '': [], 'x.test': [] }],
  ['no record of an exchanger', { '': 'REFUSED', 'x.test': mx([1, 'a.x.test']), 'a.x.test': [] }],
])('nobody is given up by a name server that looks up nothing for others, and has not even a root, where it has %s', async (_what, table) => {
  expect(await found(table)).toMatch(
    /^deferred 451 4\.4\.3 .*x\.test was not resolved \(no record of it, nor of the root: /,
  )
})

test.each<[string, Table]>([
  ['has not even a root, and looks up nothing for others,', { '': [], 'x.test': [] }],
  ['refuses what is asked of the root, and looks up nothing for others,', { '': 'REFUSED', 'x.test': [] }],
  ['answers with an error that Node does not tell', { 'x.test': 'NOTAUTH' }],
])('a name server that %s has mail deferred, and the next name server is asked from then on', async (_what, table) => {
  const ofNoUse = await startNameServer(table)
  const well = await startNameServer({ 'x.test': mx([1, 'a.x.test']), 'a.x.test': a })
  for (const isAlone of [false, true]) {
    const servers = isAlone ? [ofNoUse.server] : [ofNoUse.server, well.server]
    const of = { ...around(well.server), dns: systemDns(servers, 2000) }
    // By the next question the system has another name server.
    if (isAlone) servers[0] = well.server
    expect(await findExchangers('x.test', of)).toMatchObject({ outcome: { reply: { status: '4.4.3' } } })
    expect(await findExchangers('x.test', of)).toMatchObject({ exchangers: [{ host: 'a.x.test' }] })
  }
})

test('where a name server can not tell of the root now, the reply says that, and not that there is no root', async () => {
  expect(await found({ '': 'SERVFAIL', 'x.test': [] })).toBe(
    'deferred 451 4.4.3 x.test was not resolved (no record of it, and of the root: SERVFAIL)',
  )
})

test.each([
  'SERVFAIL',
  'REFUSED',
  'truncated',
] as const)('after %s of one name server of the system the next one is asked', async (says) => {
  const ill = await startNameServer({ 'x.test': says, 'a.x.test': says })
  const well = await startNameServer({ 'x.test': mx([1, 'a.x.test']), 'a.x.test': a })
  const { dns, ...rest } = around(well.server)
  const both = { ...rest, dns: systemDns([ill.server, well.server], 2000) }
  expect(await findExchangers('x.test', both)).toMatchObject({ kind: 'exchangers', exchangers: [{ host: 'a.x.test' }] })
  expect(await findExchangers('gone.test', both)).toMatchObject({ outcome: { kind: 'bounced' } })
  well.table['x.test'] = says
  expect(await findExchangers('x.test', both)).toMatchObject({ outcome: { reply: { status: '4.4.3' } } })
})

test('where one name server fails and another is silent, what the one said is the reason that is given', async () => {
  const ill = await startNameServer({ 'x.test': 'SERVFAIL' })
  const silent = await startNameServer({ 'x.test': 'silence' })
  const dns = systemDns([ill.server, silent.server], limitMs)
  expect(await dns.exchangers('x.test')).toEqual({ kind: 'failed', why: 'SERVFAIL' })
})

test('case N03: mail to the name of this relay bounces without an MX record, as it does where one names this relay', async () => {
  expect(await found({ 'relay.example.org': a }, 'relay.example.org')).toBe(
    'bounced 554 5.4.6 the best exchanger of relay.example.org is this relay, which takes no mail for it',
  )
})

test.each([
  'silence',
  'another id',
  'garbage',
] as const)('mail is deferred in time where the answer of a name server is %s', async (behaviour) => {
  const started = performance.now()
  expect(await found({ 'x.test': behaviour })).toMatch(
    /^deferred 451 4\.4\.3 the exchangers of x\.test are not known now/,
  )
  expect(performance.now() - started).toBeLessThan(5 * limitMs)
})

test('where the question for IPv4 is not answered, the addresses of IPv6 are used', async () => {
  const table: Table = {
    'x.test': mx([1, 'a.x.test']),
    'a.x.test': (_time, type) => (type === types.a ? 'silence' : [{ aaaa: '2001:db8::1' }]),
  }
  expect(await found(table)).toEqual(['a.x.test 2001:db8::1'])
})

test('case N07: name servers that leave questions for IPv6 unanswered cost a second at most (RFC 4074 section 4.1)', async () => {
  const { server } = await startNameServer({
    'a.x.test': (_time, type) => (type === types.aaaa ? 'silence' : a),
  })
  const began = performance.now()
  expect(await systemDns([server]).addresses('a.x.test')).toEqual({
    kind: 'found',
    records: [{ address: '192.0.2.1', family: 4 }],
  })
  expect(performance.now() - began).toBeLessThan(1500)
})

test.each([
  'silence',
  'REFUSED',
] as const)('case N01: where the system has other name servers than before, %s of a former one has the new ones asked', async (fate) => {
  let isThere = true
  const before = await startNameServer({ 'a.x.test': () => (isThere ? a : fate) })
  const after = await startNameServer({ 'a.x.test': [{ a: '192.0.2.2' }] })
  const servers = [before.server]
  const dns = systemDns(servers, limitMs)
  const ask = async () => (await dns.addresses('a.x.test')).kind
  expect(await ask()).toBe('found')
  isThere = false
  servers[0] = after.server
  expect([await ask(), await ask()]).toEqual(['failed', 'found'])
})

test('exchangers of one preference come in random order, before those of a worse one', async () => {
  const hosts = ['a.x.test', 'b.x.test', 'c.x.test', 'd.x.test']
  const { server } = await startNameServer({
    'x.test': mx([7, 'a.x.test'], [7, 'b.x.test'], [7, 'c.x.test'], [9, 'd.x.test']),
    ...Object.fromEntries(hosts.map((host) => [host, a])),
  })
  const dice = [0.9, 0.1, 0.5, 0]
  const answer = await findExchangers(
    'x.test',
    around(server, () => dice.shift() ?? 0),
  )
  expect(answer.kind === 'exchangers' && answer.exchangers.map((e) => e.host)).toHaveLength(4)
  const again = Array.from({ length: 20 }, () => findExchangers('x.test', around(server, Math.random)))
  const orders = (await Promise.all(again)).map((f) => (f.kind === 'exchangers' ? f.exchangers.map((e) => e.host) : []))
  for (const order of orders) expect(order[3]).toBe('d.x.test')
  expect(new Set(orders.map((order) => order.slice(0, 3).join())).size).toBeGreaterThan(1)
})

/**
 * A DNS of ten exchangers with 2,000 addresses each, where the look-up of `silent` fails after ten seconds. `seen` counts the
 * hosts that were asked about, in all and at one time.
 */
function crowdedDns(silent = '') {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const records = Array.from({ length: 2000 }, (_, n) => ({ address: `1.1.${n >> 8}.${n & 255}`, family: 4 as const }))
  const hosts = Array.from({ length: 10 }, (_, n) => ({ exchange: `m${n}.x.test`, priority: n }))
  const seen = { atOnce: 0, most: 0, asked: 0 }
  const dns: Dns = {
    exchangers: async () => ({ kind: 'found', records: hosts }),
    addresses: async (host) => {
      seen.asked++
      seen.most = Math.max(seen.most, ++seen.atOnce)
      await (host === silent ? new Promise((resolve) => setTimeout(resolve, 10_000)) : turn())
      seen.atOnce--
      return host === silent ? { kind: 'failed', why: 'silence' } : { kind: 'found', records }
    },
  }
  return { dns, seen }
}

test('exchangers with thousands of addresses are looked up one after the other, and no more of them than are used', async () => {
  const { dns, seen } = crowdedDns()
  let judged = 0
  const mayReach = () => judged++ >= 0
  const answer = await findExchangers('x.test', { ...around('127.0.0.1:1'), dns, mayReach })
  expect(answer.kind === 'exchangers' && answer.exchangers.map((e) => e.addresses.length)).toEqual([8, 8, 8, 8, 8])
  expect(seen).toEqual({ atOnce: 0, most: 1, asked: 5 })
  expect(judged).toBeLessThanOrEqual(5 * 64)
})

test('an exchanger whose look-up is not answered keeps the next one waiting for a quarter of a second only', async () => {
  const { dns, seen } = crowdedDns('m0.x.test')
  const finding = findExchangers('x.test', { ...around('127.0.0.1:1'), dns })
  await vi.advanceTimersByTimeAsync(249)
  expect(seen.asked).toBe(1)
  await vi.advanceTimersByTimeAsync(1)
  for (let rounds = 0; rounds < 100; rounds++) await turn()
  expect(seen).toEqual({ atOnce: 1, most: 2, asked: 6 })
  await vi.advanceTimersByTimeAsync(10_000)
  const answer = await finding
  expect(answer.kind === 'exchangers' && answer.exchangers[0]?.host).toBe('m1.x.test')
})
