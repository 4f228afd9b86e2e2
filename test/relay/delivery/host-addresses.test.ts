/** Of the addresses of one host, those that connected and then failed come behind the others (RFC 5321 section 5.1). */
import { expect, test } from 'vitest'
import { connectTo } from '../../../relay/delivery/connect.ts'
import { FailedAddresses } from '../../../relay/delivery/failed-addresses.ts'
import { freePort } from '../../local/free-port.ts'
import { until } from '../../local/until.ts'
import { drop, type Script, say, silence } from './behaviour.ts'
import { allWithin } from './rig.ts'
import { envelope, hello } from './samples.ts'
import { startSmarthost } from './smarthost.ts'
import { startWorld } from './world.ts'

const [bad, good] = ['127.0.7.1', '127.0.7.2'] as const
const retry = { scheduleMs: [20], expireAfterMs: 86_400_000 }

test.each<[string, Script]>([
  ['says 421', { banner: say('421 4.3.2 too busy', { ends: 'drop' }) }],
  ['says nothing', { banner: silence }],
  ['leaves at EHLO', { EHLO: drop }],
  ['says nothing to MAIL', { MAIL: silence }],
  ['says 421 to MAIL', { MAIL: say('421 4.3.2 no backend', { ends: 'drop' }) }],
  ['leaves in the content', { DATA: drop }],
])('an address that connects and %s comes behind the others at the next attempt', async (_name, script) => {
  const table = {
    'a.test': [{ mx: [10, 'mx.a.test'] as const }],
    'mx.a.test': [{ a: bad }, { a: good }],
  }
  const { spool, hosts, attempts, routes, reload } = await startWorld(
    table,
    { [bad]: { script }, [good]: {} },
    { deadlines: allWithin(500) },
  )
  reload(routes.map((route) => ({ ...route, retry })))
  spool.put(envelope(hello, { forwardPaths: ['u@a.test'] }), hello)
  await until('the message is delivered', () => spool.stored.size === 0)
  expect(attempts.map((a) => a.outcome.kind)).toEqual(['deferred', 'delivered'])
  expect([bad, good].map((address) => hosts[address].connections())).toEqual([1, 1])
})

test('an address of IPv6 that connected and failed comes behind all of IPv4, also where the first of those is refused', async () => {
  const port = await freePort()
  for (const address of [bad, good]) await startSmarthost({ address, port })
  const failed = new FailedAddresses()
  failed.failed(bad)
  // Said to be of IPv6: a machine may have none.
  const found = [
    { address: bad, family: 6 },
    { address: '127.9.9.9', family: 4 },
    { address: good, family: 4 },
  ]
  const lookup = failed.behind((_host, answered) => process.nextTick(answered, null, found))
  const signal = new AbortController().signal
  const socket = await connectTo({ host: 'mx.a.test', port, lookup, deadlineMs: 20_000, signal })
  expect(socket).toMatchObject({ remoteAddress: good })
  if ('destroy' in socket) socket.destroy()
})

test('addresses that did not fail come first, in their order, then those that failed, the latest last; one that works again counts as not failed', () => {
  const failed = new FailedAddresses()
  const order = (): string => {
    let found = ''
    const lookup = failed.behind((_host, answered) =>
      answered(
        null,
        [...'abcd'].map((address) => ({ address, family: 4 })),
      ),
    )
    lookup('x.test', (_error, addresses) => {
      found = addresses.map(({ address }) => address).join('')
    })
    return found
  }
  for (const address of ['a', 'c', 'a']) failed.failed(address)
  expect(order()).toBe('bdca')
  failed.worked('a')
  expect(order()).toBe('abdc')
  // Only the latest failures are remembered: so many others push these out.
  for (let n = 0; n < 16; n++) failed.failed(`${n}`)
  expect(order()).toBe('abcd')
})
