/** The summary of the queue: the age of the oldest message, and each message once, in one state. */
import { expect, test } from 'vitest'
import { until } from '../../local/until.ts'
import { say, silence } from './behaviour.ts'
import { MemorySpool } from './memory-spool.ts'
import { rig } from './rig.ts'
import { envelope, hello, route, smarthost } from './samples.ts'
import { startSmarthost } from './smarthost.ts'

test('the summary tells the age of the oldest message, and how many messages are in which state', async () => {
  const upstream = await startSmarthost({ script: { RCPT: say('450 4.2.0 later') } })
  const { spool, delivery, attempted, quiet } = rig([route('r', [smarthost('a', upstream.port)])])
  expect(delivery.summary()).toEqual({ ready: 0, deferred: 0, inFlight: 0, oldestSeconds: 0 })
  const acceptedAt = Date.now() - 5000
  spool.put(envelope(hello, { acceptedAt }), hello)
  spool.put(envelope(hello), hello)
  await attempted(2)
  await quiet()
  const { oldestSeconds, ...states } = delivery.summary()
  expect(states).toEqual({ ready: 0, deferred: 2, inFlight: 0 })
  expect(Math.abs(oldestSeconds - (Date.now() - acceptedAt) / 1000)).toBeLessThan(1)
})

test('a message whose recipients wait on several routes is counted once', async () => {
  const dead = (name: string) => [smarthost(name, 1, { host: '127.9.9.9' })]
  const { spool, delivery } = rig([
    route('x', dead('a'), { match: { senderDomains: [], recipientDomains: ['x.test'] } }),
    route('rest', dead('b')),
  ])
  for (let i = 0; i < 3; i++) spool.put(envelope(hello, { forwardPaths: ['a@x.test', 'b@y.test'] }), hello)
  const leftOut = (): boolean => delivery.smarthosts().every(({ health }) => health === 'ejected')
  await until('both smarthosts are left out', () => leftOut() && delivery.summary().inFlight === 0)
  const { ready, deferred } = delivery.summary()
  expect(ready + deferred).toBe(3)
})

test('a message on several routes has one state: in flight where a recipient is, else deferred where one is', async () => {
  const silent = await startSmarthost({ script: { RCPT: silence } })
  const later = await startSmarthost({ script: { RCPT: say('450 4.2.0 later') } })
  const to = (domain: string, port: number) =>
    route(domain, [smarthost(domain, port)], { match: { senderDomains: [], recipientDomains: [domain] } })
  const { spool, delivery, attempted } = rig([
    ...['a.test', 'b.test', 'c.test'].map((domain) => to(domain, silent.port)),
    route('rest', [smarthost('rest', later.port)]),
  ])
  const states = () => {
    const { oldestSeconds, ...rest } = delivery.summary()
    return rest
  }
  for (let i = 0; i < 2; i++) spool.put(envelope(hello, { forwardPaths: [`${i}@y.test`, `other.${i}@y.test`] }), hello)
  await attempted(4)
  await until('both wait', () => states().deferred === 2 && states().inFlight === 0)
  // Three attempts are open for this message, and one recipient of it waits.
  spool.put(envelope(hello, { forwardPaths: ['x@a.test', 'x@b.test', 'x@c.test', 'x@y.test'] }), hello)
  await attempted(5)
  await until('all have begun', () => silent.lines.filter((line) => line.startsWith('RCPT')).length === 3)
  expect(states()).toEqual({ ready: 0, deferred: 2, inFlight: 1 })
})

test('a report that waits until the spool knows the end of its original is counted beside that', async () => {
  const upstream = await startSmarthost({ script: { RCPT: say('550 5.1.1 no') } })
  const spool = new MemorySpool()
  spool.broken.add('remove')
  const { delivery, facts } = rig([route('r', [smarthost('a', upstream.port)])], { spool, repeatMs: 60_000 })
  spool.put(envelope(hello), hello)
  await until('the end could not be recorded', () => facts('unexpected').length === 1)
  expect([facts('dsnQueued').length, spool.size]).toEqual([1, 2])
  expect(delivery.summary()).toMatchObject({ ready: 0, deferred: 0, inFlight: 2 })
})
