/** How long the exchangers of a domain are remembered, and that no credential waits for the look-ups of another one. */
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { Dns } from '../../../relay/delivery/dns.ts'
import { KnownExchangers } from '../../../relay/delivery/known-exchangers.ts'
import { a, around } from './around-dns.ts'
import { startNameServer } from './name-server.ts'

test('the exchangers of a domain are remembered for a minute, and then looked up again', async () => {
  const dns = await startNameServer({ 'x.test': a })
  let now = 0
  const known = new KnownExchangers(around(dns.server), () => now)
  await Promise.all([known.find('x.test'), known.find('x.test')])
  const asked = dns.times('x.test')
  now = 59_000
  await known.find('x.test')
  expect(dns.times('x.test')).toBe(asked)
  now = 60_000
  dns.table['x.test'] = 'NXDOMAIN'
  expect(await known.find('x.test')).toMatchObject({ kind: 'none', outcome: { kind: 'bounced' } })
})

test('case N01: the last good exchangers are used for an hour while DNS fails, and no longer', async () => {
  const dns = await startNameServer({ 'x.test': a })
  let now = 0
  const known = new KnownExchangers(around(dns.server), () => now)
  const good = await known.find('x.test')
  dns.table['x.test'] = 'SERVFAIL'
  for (now of [60_000, 70_000, 3_599_000]) expect(await known.find('x.test')).toEqual(good)
  now = 3_610_000
  expect(await known.find('x.test')).toMatchObject({ kind: 'none', outcome: { kind: 'deferred' } })
})

test('after SERVFAIL a domain is looked up again within seconds', async () => {
  const dns = await startNameServer({ 'x.test': 'SERVFAIL' })
  let now = 0
  const known = new KnownExchangers(around(dns.server), () => now)
  expect(await known.find('x.test')).toMatchObject({ kind: 'none' })
  dns.table['x.test'] = a
  now = 5000
  expect(await known.find('x.test')).toMatchObject({ kind: 'exchangers' })
})

test('case N08: look-ups in a silent DNS hold none of the threads that read the disk', async () => {
  const silent = (n: number): string => `d${n}.test`
  const table = Object.fromEntries(Array.from({ length: 64 }, (_, n) => [silent(n), 'silence' as const]))
  const { server } = await startNameServer(table)
  const known = new KnownExchangers(around(server), Date.now)
  let answered = 0
  const asking = Object.keys(table).map((domain) => known.find(domain).then(() => answered++))
  // The pool has four threads: one look-up in each of them would hold up the fifth read.
  await Promise.all(Array.from({ length: 16 }, () => readFile(import.meta.filename)))
  expect(answered).toBe(0)
  await Promise.all(asking)
})

test('case R15: the look-up of a credential does not wait for the silent domains that another one writes to', async () => {
  const silent = Promise.withResolvers<{ readonly kind: 'noName' }>()
  const asked: string[] = []
  const dns: Dns = {
    exchangers: (domain) => {
      asked.push(domain)
      return domain === 'x.test' ? Promise.resolve({ kind: 'noName' }) : silent.promise
    },
    addresses: () => silent.promise,
  }
  const known = new KnownExchangers({ ...around('127.0.0.1:1'), dns }, () => 0)
  const flood = Array.from({ length: 200 }, (_, n) => known.find(`d${n}.test`, 'team-a/flood'))
  expect(await known.find('x.test', 'team-b/few')).toMatchObject({ outcome: { kind: 'bounced' } })
  expect(asked.length).toBeLessThan(65)
  silent.resolve({ kind: 'noName' })
  await Promise.all(flood)
  expect(new Set(asked).size).toBe(201)
})

test('of 10,000 domains only the latest are remembered', async () => {
  const none = { kind: 'noName' } as const
  let asked = 0
  const dns = {
    exchangers: async () => {
      asked += 1
      return none
    },
    addresses: async () => none,
  }
  const known = new KnownExchangers({ ...around('127.0.0.1:1'), dns }, () => 0)
  for (let i = 0; i < 10_000; i++) await known.find(`d${i}.test`)
  await known.find('d9999.test')
  expect(asked).toBe(10_000)
  await known.find('d0.test')
  expect(asked).toBe(10_001)
})
