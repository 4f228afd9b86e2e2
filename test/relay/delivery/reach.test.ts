/** What the status says of a route's way out: whether the exchangers of the world are within reach. */
import { expect, test } from 'vitest'
import { until } from '../../local/until.ts'
import { drop, type Script, say } from './behaviour.ts'
import type { Table } from './name-server.ts'
import { rig } from './rig.ts'
import { envelope, hello, route, smarthost } from './samples.ts'
import { startSmarthost } from './smarthost.ts'
import { startWorld } from './world.ts'

const host = '127.0.7.5'

test.each<[string, Script]>([
  ['refuses us in its greeting', { banner: say('554 5.7.1 your address is on a list') }],
  ['refuses us at EHLO', { EHLO: say('550 5.7.1 your address is on a list') }],
  ['leaves before it greets', { banner: drop }],
  ['says that it does not reach a host behind it', { banner: say('451 4.4.1 no answer from the host behind') }],
])('case U02: where each exchanger %s, the status says neither that port 25 is closed nor that mail gets out', async (_what, script) => {
  const table: Table = {}
  for (let n = 0; n < 12; n++) {
    table[`d${n}.test`] = [{ mx: [1, `mx${n}.test`] }]
    table[`mx${n}.test`] = [{ a: host }]
  }
  const { spool, facts, delivery } = await startWorld(table, { [host]: { script } })
  for (let n = 0; n < 12; n++) spool.put(envelope(hello, { forwardPaths: [`u@d${n}.test`] }), hello)
  await until('all are deferred', () => facts('deferred').length === 12)
  expect(delivery.smarthosts()).toEqual([{ route: 'out', name: 'mx', health: 'unproven' }])
})

test('of a route that went to a smarthost before, the status does not say that exchangers are within reach', async () => {
  const upstream = await startSmarthost()
  const { spool, reload, delivery } = rig([route('out', [smarthost('a', upstream.port)])])
  spool.put(envelope(hello), hello)
  await until('the message has left the queue', () => spool.stored.size === 0)
  reload([route('out', [], { exchangers: { maxConnections: 50, maxConnectionsPerDomain: 5 } })])
  expect(delivery.smarthosts()).toEqual([{ route: 'out', name: 'mx', health: 'unproven' }])
})
