/** Connections to a smarthost are used again, are never too many, and cost no message an attempt when they end. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { makeCertificates } from '../../certificates.ts'
import { until } from '../../local/until.ts'
import { type Behaviour, drop, reset, type Script, say, silence } from './behaviour.ts'
import { allWithin, oneSmarthost, rig } from './rig.ts'
import { envelope, hello } from './samples.ts'
import { startSmarthost } from './smarthost.ts'

test('a connection is used for one message after the other', async () => {
  const upstream = await startSmarthost()
  const { spool, attempted } = rig(oneSmarthost(upstream.port, { maxConnections: 1 }))
  for (let i = 0; i < 20; i++) spool.put(envelope(hello), hello)
  await attempted(20)
  expect(upstream.connections()).toBe(1)
  expect(upstream.lines.filter((line) => line === 'RSET')).toEqual([])
})

test('no more than maxConnections are open at one time', async () => {
  const upstream = await startSmarthost()
  const { spool, attempted } = rig(oneSmarthost(upstream.port, { maxConnections: 3 }))
  for (let i = 0; i < 200; i++) spool.put(envelope(hello), hello)
  await attempted(200)
  expect(upstream.most()).toBe(3)
})

/** A smarthost that takes `most` connections at one time, and answers further ones with 421. */
async function startNarrow(most: number) {
  const narrow = { most }
  const full = say('421 4.7.0 Error: too many connections', { ends: 'drop' })
  const upstream: Upstream = await startSmarthost({
    script: { banner: () => (upstream.open() > narrow.most ? full : undefined) },
  })
  return { narrow, upstream }
}

test.each([
  ['', 10_000, 1000],
  [', each for a few messages', 10_000, 3],
  [', closed as soon as they are idle', 1, 1000],
])('case U23: fewer connections than maxConnections%s: mail goes over those, and no attempt is charged', async (_name, idleMs, messagesPerConnection) => {
  const { upstream } = await startNarrow(2)
  const routes = oneSmarthost(upstream.port, { maxConnections: 10 })
  const poolLimits = { idleMs, messagesPerConnection }
  const { spool, attempted, attempts, quiet, facts } = rig(routes, { poolLimits })
  for (const round of [1, 2, 3]) {
    for (let i = 0; i < 40; i++) spool.put(envelope(hello), hello)
    await attempted(round * 40)
    await quiet()
    if (idleMs === 1) await until('idle ones are closed', () => upstream.open() === 0)
  }
  expect(upstream.most(), 'some were one too many').toBeGreaterThan(2)
  expect(attempts.filter((a) => a.outcome.kind !== 'delivered')).toEqual([])
  expect(facts('smarthostEjected')).toEqual([])
})

test.each([
  ['closed', drop],
  ['reset', reset],
])('case U23: a surplus connection is %s without a word: mail goes over those that are open', async (_name, without) => {
  const upstream: Upstream = await startSmarthost({
    script: { banner: () => (upstream.open() > 2 ? without : undefined) },
  })
  const { spool, attempted, attempts, quiet, facts } = rig(oneSmarthost(upstream.port, { maxConnections: 10 }))
  for (let i = 0; i < 80; i++) spool.put(envelope(hello), hello)
  await attempted(80)
  await quiet()
  expect(upstream.most(), 'some were one too many').toBeGreaterThan(2)
  expect(attempts.filter((a) => a.outcome.kind !== 'delivered')).toEqual([])
  expect(facts('smarthostEjected')).toEqual([])
})

test('case U23: while open connections carry mail, a further one that is not greeted costs no message an attempt, and is waited for no longer than to connect', async () => {
  const upstream: Upstream = await startSmarthost({
    script: { banner: () => (upstream.open() > 2 ? silence : undefined) },
  })
  const { spool, attempts, facts } = rig(oneSmarthost(upstream.port, { maxConnections: 5 }), {
    deadlines: { ...allWithin(120_000), connect: 3000 },
  })
  const put = (): string => {
    const message = envelope(hello)
    spool.put(message, hello)
    return message.queueId
  }
  const first = Array.from({ length: 40 }, put)
  const hasEnded = (id: string): boolean => attempts.some(({ queueId }) => queueId === id)
  // Other messages go on meanwhile, over the two connections that it greets.
  await until('those that were not greeted are delivered', () => put() !== '' && first.every(hasEnded), 30_000)
  expect(upstream.most()).toBe(5)
  expect(attempts.filter((a) => a.outcome.kind !== 'delivered')).toEqual([])
  expect(facts('smarthostEjected')).toEqual([])
})

test('case U23: while nothing gets through on the open connections, a further one may be greeted late (RFC 5321 section 4.5.3.2)', async () => {
  const late = say('220 smarthost.test ESMTP', { afterMs: 1500 })
  const upstream = await startSmarthost({
    script: {
      banner: (time) => [undefined, silence, late][time],
      dot: (time) => (time === 1 ? say('250 2.0.0 queued', { afterMs: 4000 }) : undefined),
    },
  })
  const { spool, attempted, attempts } = rig(oneSmarthost(upstream.port, { maxConnections: 2 }), {
    deadlines: { ...allWithin(120_000), connect: 500 },
  })
  for (const number of [1, 2, 3]) {
    spool.put(envelope(hello), hello)
    if (number === 1) await attempted(1)
  }
  await attempted(3)
  expect(attempts.map((a) => [a.attempt, a.outcome.kind])).toEqual(Array(3).fill([1, 'delivered']))
  expect(upstream.connections()).toBe(3)
})

test('case U23: a surplus connection that is closed before TLS begins costs no message an attempt either', async () => {
  const certificate = await makeCertificates(['127.0.0.1'])
  const upstream = await startSmarthost({ certificate, tlsFromStart: true })
  const front = await startFront(upstream.port, 2)
  const { spool, attempted, attempts, quiet } = rig(
    oneSmarthost(front.port, { maxConnections: 10, tls: { mode: 'Implicit', caFile: 'ca' } }),
    { files: { ca: certificate.ca } },
  )
  for (let i = 0; i < 80; i++) spool.put(envelope(hello), hello)
  await attempted(80)
  await quiet()
  expect(front.turnedAway()).toBeGreaterThan(0)
  expect(attempts.filter((a) => a.outcome.kind !== 'delivered')).toEqual([])
})

/** A proxy that passes on `most` connections at one time, and closes the others. */
async function startFront(to: number, most: number) {
  let open = 0
  let turnedAway = 0
  const server = createServer((socket) => {
    socket.on('error', () => {})
    if (open === most) {
      turnedAway++
      socket.destroy()
      return
    }
    open++
    const behind = connect(to, '127.0.0.1')
    behind.on('error', () => {})
    socket.on('close', () => {
      open--
      behind.destroy()
    })
    socket.pipe(behind).pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { port: (server.address() as AddressInfo).port, turnedAway: () => turnedAway }
}

test('case U23: while one message keeps the only connection, as in a tarpit, those that wait for it ask for another one again', async () => {
  let room = 1
  const upstream: Upstream = await startSmarthost({
    script: {
      banner: () => (upstream.open() > room ? drop : undefined),
      dot: (time) => (time === 1 ? silence : undefined),
    },
  })
  const { spool, attempted, attempts } = rig(oneSmarthost(upstream.port, { maxConnections: 5 }), {
    deadlines: { ...allWithin(120_000), connect: 300 },
  })
  const put = (): unknown => spool.put(envelope(hello), hello)
  put()
  await attempted(1)
  for (let i = 0; i < 5; i++) put()
  await until('one is kept, and another refused', () => upstream.times('dot') === 2 && upstream.connections() > 1)
  room = 5
  await attempted(5)
  expect(attempts.filter((a) => a.outcome.kind !== 'delivered')).toEqual([])
})

test('case U23: when the only connection is lost, and the next one refused as if that were open, the other messages go on', async () => {
  const full = say('421 4.7.0 Error: too many connections')
  const upstream: Upstream = await startSmarthost({
    script: {
      banner: () => (upstream.open() > 1 ? full : undefined),
      dot: (time) => (time === 1 ? silence : undefined),
    },
  })
  const { spool, attempted, attempts, quiet } = rig(oneSmarthost(upstream.port, { maxConnections: 10 }))
  spool.put(envelope(hello), hello)
  await attempted(1)
  for (let i = 0; i < 10; i++) spool.put(envelope(hello), hello)
  await until('one is held, and nine are refused', () => upstream.times('dot') === 2 && upstream.times('QUIT') >= 9)
  let refused = 0
  upstream.script.banner = () => (refused++ === 0 ? full : undefined)
  upstream.dropAll()
  await attempted(11)
  await quiet()
  const kinds = attempts.slice(1).map((a) => a.outcome.kind)
  expect(kinds.toSorted()).toEqual(['ambiguous', 'deferred', ...Array(8).fill('delivered')])
})

test('case U23: when no connection is left, and none is to be had, each message that waited for one is deferred', async () => {
  const { narrow, upstream } = await startNarrow(1)
  const { spool, attempted, attempts, quiet, facts } = rig(oneSmarthost(upstream.port, { maxConnections: 10 }))
  spool.put(envelope(hello), hello)
  await attempted(1)
  upstream.script.dot = () => {
    narrow.most = 0
    return drop
  }
  for (let i = 0; i < 10; i++) spool.put(envelope(hello), hello)
  await attempted(11)
  await quiet()
  const kinds = attempts.slice(1).map((a) => a.outcome.kind)
  expect(kinds.toSorted()).toEqual(['ambiguous', ...Array(9).fill('deferred')])
  expect(facts('smarthostEjected')).toHaveLength(1)
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

test('an idle connection is closed with QUIT after a while', async () => {
  const upstream = await startSmarthost()
  const { spool, attempted } = rig(oneSmarthost(upstream.port), {
    poolLimits: { idleMs: 50, messagesPerConnection: 100 },
  })
  spool.put(envelope(hello), hello)
  await attempted(1)
  await until('QUIT is said', () => upstream.times('QUIT') === 1)
  await until('the connection is closed', () => upstream.open() === 0)
})

const goodbyes: readonly (readonly [name: string, behaviour: Behaviour])[] = [
  ['421 and a close', say('421 4.4.2 idle too long', { ends: 'drop' })],
  ['421', say('421 4.7.0 enough messages')],
  ['451 of an idle time, as of Amazon SES,', say('451 4.4.2 Timeout waiting for data from client.', { ends: 'drop' })],
  ['451 4.4.2 in words of its own', say('451 4.4.2 You were gone for too long')],
  ['451 of an idle time, as of Exchange,', say('451 4.7.0 Timeout waiting for client input', { ends: 'drop' })],
  [
    '452 of a session that had its messages, as of OpenSMTPD,',
    say('452 4.5.3 Too many recipients: Too many messages sent'),
  ],
  ['503 of a session that it has forgotten', say('503 5.5.2 Send hello first')],
  ['452 of messages in a session,', say('452 Too many messages for this session')],
  ['221 and a close', say('221 2.0.0 bye', { ends: 'drop' })],
  ['a close', drop],
  ['a reset', reset],
]
/** Sends two messages, the second one when the first is done with. */
async function oneAfterTheOther(upstream: Upstream, between?: () => Promise<void>) {
  const { spool, attempted, attempts, quiet } = rig(oneSmarthost(upstream.port))
  spool.put(envelope(hello), hello)
  await attempted(1)
  await quiet()
  await between?.()
  spool.put(envelope(hello), hello)
  await attempted(2)
  return attempts
}

test.each(
  goodbyes,
)('case U17: after %s at MAIL on a connection that was used before, a new one is opened, and no attempt is charged', async (_name, behaviour) => {
  const upstream = await startSmarthost({ script: { MAIL: (time) => (time === 1 ? behaviour : undefined) } })
  const attempts = await oneAfterTheOther(upstream)
  expect(attempts.map((a) => [a.attempt, a.outcome.kind])).toEqual([
    [1, 'delivered'],
    [1, 'delivered'],
  ])
  expect(upstream.received.map((r) => r.connection)).toEqual([1, 2])
})

test('a 451 about anything else at MAIL on a connection that was used before defers the message, which is not tried again at once', async () => {
  const script: Script = { MAIL: (time) => (time === 1 ? say('451 4.3.0 try again later') : undefined) }
  const upstream = await startSmarthost({ script })
  const attempts = await oneAfterTheOther(upstream)
  expect(attempts.map((a) => a.outcome.kind)).toEqual(['delivered', 'deferred'])
  expect([upstream.times('MAIL'), upstream.connections()]).toEqual([2, 1])
})

test.each([
  'MAIL',
  'RCPT',
] as const)('503 at %s on a new connection defers the message and ends the connection, so that the next message gets another one', async (stage) => {
  const script: Script = { [stage]: (time: number) => (time === 0 ? say('503 5.5.1 bad sequence') : undefined) }
  const upstream = await startSmarthost({ script })
  const attempts = await oneAfterTheOther(upstream)
  expect(attempts.map((a) => a.outcome.kind)).toEqual(['deferred', 'delivered'])
  expect(upstream.received.map((r) => r.connection)).toEqual([2])
})

test.each([
  ['421', (u: Upstream) => u.tell('421 4.4.2 idle too long\r\n')],
  ['a stray 250', (u: Upstream) => u.tell('250 2.0.0 ok\r\n')],
  ['garbage', (u: Upstream) => u.tell('hello?')],
  ['a close', (u: Upstream) => u.dropAll()],
])('case U17: %s on an idle connection ends that connection, and no message fails for it', async (_name, disturb) => {
  const upstream = await startSmarthost()
  const attempts = await oneAfterTheOther(upstream, async () => {
    disturb(upstream)
    await until('the connection is closed', () => upstream.open() === 0)
  })
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
  await until('QUIT is said', () => upstream.times('QUIT') === 1)
})

test('a relay that ends finishes what is in flight, and leaves all connections', async () => {
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
])('a relay that ends while a smarthost is silent %s does so in time, and keeps the message', async (_name, script, ambiguous) => {
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

test('case U17: 421 on a connection that was opened for mail which could not go over it is no attempt either', async () => {
  const MAIL = (time: number) => (time === 0 ? say('421 4.4.2 idle too long', { ends: 'drop' }) : undefined)
  const upstream = await startSmarthost({ offers: ['PIPELINING', `SIZE ${hello.length}`], script: { MAIL } })
  const { spool, attempted, attempts, quiet } = rig(oneSmarthost(upstream.port))
  const large = Buffer.concat([hello, hello])
  spool.put(envelope(large, { reversePath: '' }), large)
  await attempted(1)
  await quiet()
  spool.put(envelope(hello), hello)
  await attempted(2)
  expect(attempts.map(({ outcome }) => outcome.kind)).toEqual(['bounced', 'delivered'])
  expect(upstream.times('MAIL')).toBe(2)
})
