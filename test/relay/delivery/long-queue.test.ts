/** A queue that is longer than memory holds is delivered, each message once, in fair turns, and holds up nobody else. */
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Outline } from '../../../relay/spool/spool.ts'
import { cpuMs } from '../../cpu-time.ts'
import { until } from '../../local/until.ts'
import { say } from './behaviour.ts'
import { MemorySpool, pending } from './memory-spool.ts'
import { rig } from './rig.ts'
import { envelope, hello, route, smarthost } from './samples.ts'
import { startSmarthost } from './smarthost.ts'
import { rcptOf } from './two-domains.ts'

const to = (...domains: string[]) => ({ match: { senderDomains: [], recipientDomains: domains } })
const from = (...credentials: string[]) => ({ match: { senderDomains: [], recipientDomains: [], credentials } })
const many = 900
const quick = { retry: { scheduleMs: [50], expireAfterMs: 86_400_000 } }

/** A spool with so many messages that were never tried. */
function filled(
  count: number,
  forwardPaths: (n: number) => readonly string[],
  credential = (_: number) => 'team-a/web',
) {
  const spool = new MemorySpool()
  for (let n = 0; n < count; n++) {
    spool.put(envelope(hello, { forwardPaths: forwardPaths(n), credential: credential(n) }), hello)
  }
  return spool
}

test('a long queue is delivered, each message once', async () => {
  // More than are passed in one turn.
  const longer = 2500
  const upstream = await startSmarthost()
  const spool = filled(longer, (n) => [`u${n}@x.test`])
  const { delivery } = rig([route('r', [smarthost('a', upstream.port)])], { spool })
  await until('all are delivered', () => spool.stored.size === 0)
  expect(rcptOf(upstream.received)).toEqual(Array.from({ length: longer }, (_, n) => `u${n}@x.test`).toSorted())
  expect(delivery.summary()).toMatchObject({ ready: 0, deferred: 0, inFlight: 0 })
})

test('a dead smarthost with a long queue delays no other route; when it is back, each message is delivered once', async () => {
  const alive = await startSmarthost()
  const late = await startSmarthost()
  const spool = filled(many, (n) => [`u${n}@dead.test`, `u${n}@x.test`])
  const routes = (port: number) => [
    route('dead', [smarthost('d', port)], { ...to('dead.test'), ...quick }),
    route('r', [smarthost('a', alive.port)]),
  ]
  const { reload, delivery } = rig(routes(1), { spool })
  await until('the other route is through', () => alive.received.length === many)
  const kept = (): number => {
    const { ready, deferred, inFlight } = delivery.summary()
    return ready + deferred + inFlight
  }
  // What the other route has received stays in flight until it is recorded.
  await until('only mail for the dead one is kept', () => kept() <= many)
  expect(kept()).toBe(many)
  reload(routes(late.port))
  await until('all are delivered', () => spool.stored.size === 0)
  expect(rcptOf(alive.received)).toEqual(Array.from({ length: many }, (_, n) => `u${n}@x.test`).toSorted())
  expect(rcptOf(late.received)).toEqual(Array.from({ length: many }, (_, n) => `u${n}@dead.test`).toSorted())
})

test.each([
  ['the same routes', (port: number) => [route('r', [smarthost('b', port)])]],
  [
    'other routes',
    (port: number) => [route('s', [smarthost('b', port)], to('x.test')), route('r', [smarthost('c', 1)])],
  ],
])('a reload with %s keeps all of a long queue: each message is delivered once', async (_what, next) => {
  const upstream = await startSmarthost()
  const spool = filled(many, (n) => [`u${n}@x.test`])
  const { reload } = rig([route('r', [smarthost('a', 1)], quick)], { spool })
  for (let i = 0; i < 3; i++) reload([route('r', [smarthost('a', 1)], quick)])
  reload(next(upstream.port))
  await until('all are delivered', () => spool.stored.size === 0)
  expect(rcptOf(upstream.received)).toEqual(Array.from({ length: many }, (_, n) => `u${n}@x.test`).toSorted())
})

/** A spool of which nothing is ever read, since its disk never answers. */
class UnreadSpool extends MemorySpool {
  readonly #size: number
  constructor(size: number) {
    super()
    this.#size = size
  }
  override get size(): number {
    return this.#size
  }
  override *handles(): Iterable<number> {
    for (let handle = 0; handle < this.#size; handle++) yield handle
  }
  override outline(handle: number): Outline {
    const queueId = `Q${handle}`.padEnd(12, '0')
    const times = { acceptedAt: 0, dueAt: 0 }
    return { queueId, credential: `team-${handle % 3}/web`, disposition: 'relay', bytes: 1, ...times }
  }
  override load(): Promise<undefined> {
    return new Promise(() => {})
  }
}

test('a reload with other routes holds the relay up for less than 50 ms, however long the queue (case R21)', async () => {
  const spool = new UnreadSpool(300_000)
  const { reload, delivery } = rig([route('r', [smarthost('a', 1)])], { spool })
  const others = [route('s', [smarthost('b', 1)], from('team-1/web')), route('r', [smarthost('a', 1)])]
  for (const routes of [others, [route('t', [smarthost('c', 1)])], others]) {
    for (let i = 0; i < 400; i++) await turn()
    expect(cpuMs(() => reload(routes))).toBeLessThan(50)
    expect(delivery.summary().ready).toBe(300_000)
  }
})

test('a message behind a flood of another credential waits for no more of it than the window in memory holds', async () => {
  const upstream = await startSmarthost()
  const spool = filled(
    many,
    (n) => [n === many - 1 ? 'late@x.test' : `u${n}@x.test`],
    (n) => (n === many - 1 ? 'team-b/web' : 'team-a/flood'),
  )
  rig([route('r', [smarthost('a', upstream.port, { maxConnections: 2 })])], { spool })
  await until('all are delivered', () => spool.stored.size === 0)
  const turn = upstream.received.findIndex((r) => r.rcpt[0]?.includes('late@'))
  expect(turn).toBeLessThan(100)
})

/** So many routes that each has room for no more than 200 recipients in memory; all mail below goes by the first one. */
const twentyRoutes = (port: number) => [
  route('r', [smarthost('a', port, { maxConnections: 2 })], { ...from('team-a/flood', 'team-b/web'), ...quick }),
  ...Array.from({ length: 19 }, (_, n) => route(`other${n}`, [smarthost('b', 1)], to(`other${n}.test`))),
]
const flood = (n: number) => envelope(hello, { credential: 'team-a/flood', forwardPaths: [`u${n}@x.test`] })
const late = () => envelope(hello, { credential: 'team-b/web', forwardPaths: ['late@x.test'] })

test('a credential whose mail comes while another one has filled the memory does not wait for that (case R15)', async () => {
  const upstream = await startSmarthost()
  const { spool } = rig(twentyRoutes(upstream.port))
  for (let n = 0; n < 400; n++) spool.put(flood(n), hello)
  for (let n = 0; n < 5; n++) spool.put(late(), hello)
  await until('all are delivered', () => spool.stored.size === 0)
  const turns = upstream.received.flatMap((r, turn) => (r.rcpt[0]?.includes('late@') ? turn : []))
  expect(turns).toHaveLength(5)
  expect(Math.max(...turns)).toBeLessThan(80)
})

test('a message that is tried again does not wait for a flood that goes on meanwhile (case R15)', async () => {
  const upstream = await startSmarthost({
    script: { RCPT: (time) => (time === 0 ? say('450 4.2.0 later') : undefined) },
  })
  const { spool, facts } = rig(twentyRoutes(upstream.port))
  const message = late()
  spool.put(message, hello)
  await until('the message is deferred', () => facts('deferred').length === 1)
  let sent = 0
  await until('the message is delivered', () => {
    // Never so many that some would stay on disk alone, and never so few that what is on disk would be read.
    while (spool.stored.size < 190) spool.put(flood(sent++), hello)
    return !spool.stored.has(message.queueId)
  })
  expect(sent).toBeLessThan(5000)
})

test('mail that is captured does not wait for a flood of another credential that is captured, too (case R15)', async () => {
  const { spool, facts } = rig([])
  for (let n = 0; n < 400; n++) spool.put({ ...flood(n), disposition: 'capture' }, hello)
  const others = Array.from({ length: 3 }, () => ({ ...late(), disposition: 'capture' as const }))
  for (const other of others) spool.put(other, hello)
  await until('all are captured', () => facts('captured').length === 403)
  const order = facts('captured').map(([queueId]) => queueId)
  expect(Math.max(...others.map(({ queueId }) => order.indexOf(queueId)))).toBeLessThan(150)
})

test('mail that waits on disk for a dead smarthost is given up in time, and reported once', async () => {
  const spool = filled(300, (n) => [`u${n}@x.test`])
  let ahead = 0
  const retry = { scheduleMs: [20], expireAfterMs: 60_000 }
  const { facts } = rig([route('r', [smarthost('a', 1)], { retry })], { spool, now: () => Date.now() + ahead })
  await until('the smarthost is known to be dead', () => facts('smarthostEjected').length > 0)
  ahead = 61_000
  await until('all are given up', () => facts('dsnQueued').length === 300)
  await until('all have left', () => [...spool.stored.values()].every((s) => s.envelope.reports !== undefined))
  expect(new Set(facts('bounced').map(([queueId]) => queueId)).size).toBe(300)
})

test('of the mail that waits in memory for a dead smarthost little is given up at one time, and each message once (case R21)', async () => {
  const spool = new MemorySpool()
  let ahead = 0
  const retry = { scheduleMs: [20], expireAfterMs: 60_000 }
  const { facts } = rig([route('r', [smarthost('a', 1)], { retry })], { spool, now: () => Date.now() + ahead })
  spool.before = async () => {
    await turn()
  }
  for (let n = 0; n < 500; n++) spool.put(envelope(hello, { forwardPaths: [`u${n}@x.test`] }), hello)
  await until('the smarthost is known to be dead', () => facts('smarthostEjected').length > 0)
  ahead = 61_000
  let mostInTurn = 0
  for (let before = 0; facts('dsnQueued').length < 500; await turn()) {
    const givenUp = facts('bounced').length
    mostInTurn = Math.max(mostInTurn, givenUp - before)
    before = givenUp
  }
  expect(mostInTurn).toBeLessThan(50)
  expect(new Set(facts('bounced').map(([queueId]) => queueId)).size).toBe(500)
})

test('while a smarthost is dead, a long queue in which nothing has expired is not looked through', async () => {
  const count = 400
  const spool = filled(count, (n) => [`u${n}@x.test`])
  let looks = 0
  const outline = spool.outline.bind(spool)
  Object.assign(spool, {
    outline(handle: number) {
      looks += 1
      return outline(handle)
    },
  })
  const { facts, delivery } = rig([route('r', [smarthost('a', 1)])], { spool })
  const waiting = (): number => delivery.summary().ready + delivery.summary().deferred
  await until('all wait', () => facts('smarthostEjected').length > 0 && waiting() === count)
  looks = 0
  await until('two probes have failed', () => facts('smarthostEjected').length > 2)
  expect(looks).toBeLessThan(count)
})

test('recipients of one message with times of their own are tried at their times, also after a restart', async () => {
  const upstream = await startSmarthost()
  const spool = new MemorySpool()
  const now = Date.now()
  const message = envelope(hello, { forwardPaths: ['a@x.test', 'b@x.test', 'c@x.test'] })
  spool.put(message, hello, [
    { ...pending('a@x.test'), attempts: 1, nextAttemptAt: now + 600 },
    { ...pending('b@x.test'), attempts: 1, nextAttemptAt: now },
    { ...pending('c@x.test'), attempts: 1, nextAttemptAt: now + 300 },
  ])
  const { delivery } = rig([route('r', [smarthost('a', upstream.port)])], { spool })
  await until('the message has left the queue', () => spool.stored.size === 0)
  expect(upstream.received.map((r) => r.rcpt)).toEqual(['b', 'c', 'a'].map((who) => [`RCPT TO:<${who}@x.test>`]))
  expect(delivery.summary()).toMatchObject({ ready: 0, deferred: 0, inFlight: 0 })
})

test('a message that the spool could not read is deferred, and the error is logged', async () => {
  const upstream = await startSmarthost({ script: { RCPT: say('250 2.1.5 ok') } })
  const spool = filled(1, () => ['a@x.test'])
  spool.broken.add('load')
  const { facts, delivery } = rig([route('r', [smarthost('a', upstream.port)])], { spool })
  await until('the problem is told', () => facts('unreadable').length === 1)
  expect([facts('unreadable'), facts('unexpected')]).toEqual([[[[...spool.stored.keys()][0], 'load 0: no disk']], []])
  expect(delivery.summary()).toMatchObject({ ready: 0, deferred: 1 })
  expect(upstream.received).toEqual([])
})
