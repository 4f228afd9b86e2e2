/** Lanes to domains that always have mail: whoever has none of them gets one all the same. */
import { expect, test } from 'vitest'
import { until } from '../../local/until.ts'
import type { Table } from './name-server.ts'
import { envelope, hello } from './samples.ts'
import { startWorld } from './world.ts'

const host = '127.0.7.3'

test('a lane that others keep when its owner has nothing there any more is no reason to wait (case R15)', async () => {
  // As many as there are lanes beside those of a credential's own.
  const busy = Array.from({ length: 34 }, (_, n) => `d${n}.test`)
  const table: Table = { 'mx.test': [{ a: host }] }
  for (const domain of [...busy, 'first.test', 'second.test']) table[domain] = [{ mx: [1, 'mx.test'] }]
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
  await until('it is under way', () => got('flood@') > 0)
  send('b/web', 'first.test')
  send('b/web', 'second.test')
  await until('both have arrived', () => {
    flood([...busy, 'first.test'])
    return got('web@') === 2
  })
  expect(got('web@second.test')).toBe(1)
})
