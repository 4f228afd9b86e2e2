/** Connections: used again, never too many, and their end is no message's fault. */
import { expect, test } from 'vitest'
import { until } from '../../local/until.ts'
import { type Behaviour, drop, reset, say } from './behaviour.ts'
import { allWithin, oneSmarthost, rig } from './rig.ts'
import { envelope, hello } from './samples.ts'
import { startSmarthost } from './smarthost.ts'

test('connections are used again', async () => {
  const upstream = await startSmarthost()
  const { spool, attempted } = rig(oneSmarthost(upstream.port, { maxConnections: 1 }))
  for (let i = 0; i < 20; i++) spool.put(envelope(hello), hello)
  await attempted(20)
  expect(upstream.connections()).toBe(1)
  expect(upstream.lines.filter((line) => line === 'RSET')).toEqual([])
})

test('never more than maxConnections at one time', async () => {
  const upstream = await startSmarthost()
  const { spool, attempted } = rig(oneSmarthost(upstream.port, { maxConnections: 3 }))
  for (let i = 0; i < 200; i++) spool.put(envelope(hello), hello)
  await attempted(200)
  expect(upstream.most()).toBe(3)
})

test('a connection carries a limited number of messages', async () => {
  const upstream = await startSmarthost()
  const { spool, attempted } = rig(oneSmarthost(upstream.port, { maxConnections: 1 }), {
    poolLimits: { idleMs: 10_000, messagesPerConnection: 5 },
  })
  for (let i = 0; i < 20; i++) spool.put(envelope(hello), hello)
  await attempted(20)
  const perConnection = Map.groupBy(upstream.received, (r) => r.connection)
  expect([...perConnection.values()].map((all) => all.length)).toEqual([5, 5, 5, 5])
})

test('an idle connection is closed politely after a while', async () => {
  const upstream = await startSmarthost()
  const { spool, attempted } = rig(oneSmarthost(upstream.port), {
    poolLimits: { idleMs: 50, messagesPerConnection: 100 },
  })
  spool.put(envelope(hello), hello)
  await attempted(1)
  await until('QUIT', () => upstream.times('QUIT') === 1)
  await until('it is closed', () => upstream.open() === 0)
})

const goodbyes: readonly (readonly [name: string, behaviour: Behaviour])[] = [
  ['421 and a close', say('421 4.4.2 idle too long', { ends: 'drop' })],
  ['421', say('421 4.7.0 enough messages')],
  ['a close', drop],
  ['a reset', reset],
]
test.each(
  goodbyes,
)('case U17: %s at MAIL on a used connection: a new connection, and no attempt is charged', async (_name, behaviour) => {
  const upstream = await startSmarthost({ script: { MAIL: (time) => (time === 1 ? behaviour : undefined) } })
  const { spool, attempted, attempts, quiet } = rig(oneSmarthost(upstream.port))
  spool.put(envelope(hello), hello)
  await attempted(1)
  await quiet()
  spool.put(envelope(hello), hello)
  await attempted(2)
  expect(attempts.map((a) => [a.attempt, a.outcome.kind])).toEqual([
    [1, 'delivered'],
    [1, 'delivered'],
  ])
  expect(upstream.received.map((r) => r.connection)).toEqual([1, 2])
})

test.each([
  ['421', (u: Upstream) => u.tell('421 4.4.2 idle too long\r\n')],
  ['a stray 250', (u: Upstream) => u.tell('250 2.0.0 ok\r\n')],
  ['garbage', (u: Upstream) => u.tell('hello?')],
  ['a close', (u: Upstream) => u.dropAll()],
])('case U17: %s on an idle connection ends it, and nothing else', async (_name, disturb) => {
  const upstream = await startSmarthost()
  const { spool, attempted, attempts, quiet } = rig(oneSmarthost(upstream.port))
  spool.put(envelope(hello), hello)
  await attempted(1)
  await quiet()
  disturb(upstream)
  await until('the connection is closed', () => upstream.open() === 0)
  spool.put(envelope(hello), hello)
  await attempted(2)
  expect(attempts.map((a) => a.outcome.kind)).toEqual(['delivered', 'delivered'])
  expect(upstream.received.map((r) => r.connection)).toEqual([1, 2])
})
type Upstream = Awaited<ReturnType<typeof startSmarthost>>

test('a reload closes idle connections of a smarthost that changed, and keeps those of one that did not', async () => {
  const upstream = await startSmarthost()
  const { spool, attempted, quiet, reload } = rig(oneSmarthost(upstream.port, { maxConnections: 1 }))
  spool.put(envelope(hello), hello)
  await attempted(1)
  await quiet()
  reload(oneSmarthost(upstream.port, { maxConnections: 5 }))
  spool.put(envelope(hello), hello)
  await attempted(2)
  expect(upstream.connections()).toBe(1)
  await quiet()
  reload(oneSmarthost(upstream.port, { tls: { mode: 'Opportunistic' } }))
  await until('QUIT', () => upstream.times('QUIT') === 1)
})

test('closing: in flight is finished, and idle connections are left with QUIT', async () => {
  const upstream = await startSmarthost({ script: { dot: say('250 2.0.0 queued', { pieces: 1 }) } })
  const { spool, delivery } = rig(oneSmarthost(upstream.port, { maxConnections: 2 }))
  for (let i = 0; i < 50; i++) spool.put(envelope(hello), hello)
  await until('some are delivered', () => upstream.received.length >= 4)
  await delivery.close(5000)
  expect(delivery.summary().inFlight).toBe(0)
  expect(upstream.received.length + spool.stored.size).toBe(50)
  expect(spool.stored.size).toBeGreaterThan(0)
  await until('all are closed', () => upstream.open() === 0)
})

test.each([
  ['before the dot', { DATA: {} }, 0],
  ['after the dot', { dot: {} }, 1],
])('closing with a smarthost that is silent %s ends in time, and the message stays', async (_name, script, ambiguous) => {
  const upstream = await startSmarthost({ script })
  const { spool, delivery, attempts } = rig(oneSmarthost(upstream.port), { deadlines: allWithin(60_000) })
  const { queueId } = spool.put(envelope(hello), hello).envelope
  await until('the stage is reached', () => upstream.times(ambiguous === 1 ? 'dot' : 'DATA') === 1)
  const started = performance.now()
  await delivery.close(100)
  expect(performance.now() - started).toBeLessThan(2000)
  expect(spool.stored.get(queueId)?.recipients).toMatchObject([{ state: 'pending', ambiguous, attempts: ambiguous }])
  expect(attempts).toHaveLength(ambiguous)
})
