/** Which failure to open a further connection is one too many, and costs no message an attempt, and which is one of the smarthost. */
import { expect, test } from 'vitest'
import { until } from '../../local/until.ts'
import { type Behaviour, drop, type Script, say, silence } from './behaviour.ts'
import { clockAhead } from './clock-ahead.ts'
import { allWithin, oneSmarthost, rig } from './rig.ts'
import { envelope, hello } from './samples.ts'
import { startSmarthost } from './smarthost.ts'

type Options = {
  readonly maxConnections?: number
  readonly connectMs?: number
  readonly messagesPerConnection?: number
  /** The script of each connection. */
  readonly session?: () => Script
}

/** A smarthost with this script, which may be changed while it runs, and mail for it. */
async function bench(
  script: Script,
  { maxConnections = 2, connectMs = 20_000, messagesPerConnection = 1000, session }: Options = {},
) {
  const upstream = await startSmarthost({ script, ...(session !== undefined && { session }) })
  const running = rig(oneSmarthost(upstream.port, { maxConnections }), {
    deadlines: { ...allWithin(120_000), connect: connectMs },
    poolLimits: { idleMs: 60_000, messagesPerConnection },
  })
  const put = (count: number): readonly string[] =>
    Array.from({ length: count }, () => running.spool.put(envelope(hello), hello).envelope.queueId)
  const outcomes = () => running.attempts.map(({ attempt, outcome }) => `${attempt} ${outcome.kind}`)
  return { ...running, upstream, put, outcomes }
}

test('case U23: a connection that was greeted and is lost behind that is a failure, also while others carry mail', async () => {
  const { upstream, put, attempts, attempted } = await bench({
    EHLO: (time) => (time === 1 ? drop : undefined),
    dot: (time) => (time === 1 ? silence : undefined),
  })
  put(1)
  await attempted(1)
  put(1)
  await until('the second message is under way', () => upstream.times('dot') === 2)
  const [third] = put(1)
  await attempted(2)
  expect(attempts.slice(1).map((a) => [a.queueId, a.outcome.kind])).toEqual([[third, 'deferred']])
})

test('case U23: where the open connection has ended when a further one was given up as not greeted, that is tried anew in full time', async () => {
  const { upstream, put, outcomes, attempted } = await bench(
    {
      banner: (time) => [undefined, silence, say('220 late', { afterMs: 1500 })][time],
      dot: (time) => (time === 1 ? say('250 2.0.0 queued', { afterMs: 300 }) : undefined),
    },
    { connectMs: 900, messagesPerConnection: 2 },
  )
  put(1)
  await attempted(1)
  put(2)
  await attempted(3)
  expect(outcomes()).toEqual(Array(3).fill('1 delivered'))
  expect(upstream.connections()).toBe(3)
})

test('case U23: a smarthost that had no room for a further connection is not asked for one again with the next messages', async () => {
  const full = say('421 4.7.0 too many connections', { ends: 'drop' })
  const { upstream, put, outcomes, attempted, quiet } = await bench(
    { banner: (time) => (time > 1 ? full : undefined) },
    { maxConnections: 10 },
  )
  put(40)
  await attempted(40)
  await quiet()
  const asked = upstream.connections()
  for (const round of [2, 3, 4]) {
    put(40)
    await attempted(40 * round)
    await quiet()
  }
  expect([upstream.connections(), outcomes()]).toEqual([asked, Array(160).fill('1 delivered')])
})

const tooMany: readonly (readonly [name: string, further: Script])[] = [
  ['by 421 right behind the greeting', { banner: say('220 mx.test\r\n421 4.7.0 too many', { ends: 'drop' }) }],
  ['by 421 right behind the answer to EHLO', { EHLO: say('250 mx.test\r\n421 4.7.0 too many', { ends: 'drop' }) }],
  ['at MAIL by 421', { MAIL: say('421 4.7.0 too many connections', { ends: 'drop' }) }],
  ['at MAIL as by Sendmail', { MAIL: say('452 4.3.2 Too many open connections.') }],
  ['at MAIL for a limit', { MAIL: say('450 4.7.1 Concurrent connection limit exceeded') }],
  ['at RCPT by 421', { RCPT: say('421 4.7.0 too many connections', { ends: 'drop' }) }],
  ['at RCPT for now', { RCPT: say('450 4.7.1 Too many concurrent sessions'), DATA: say('503 5.5.1 no recipients') }],
  ['at DATA by 421', { DATA: say('421 4.7.0 too many connections', { ends: 'drop' }) }],
  ['at DATA for now', { DATA: say('451 4.3.2 connection limit reached') }],
  ['for good in the greeting', { banner: say('554 5.7.1 too many connections from you', { ends: 'drop' }) }],
  ['for good at EHLO', { EHLO: say('550 Connection limit reached for 192.0.2.1', { ends: 'drop' }) }],
]
test.each(
  tooMany,
)('case U23: a further connection that is refused %s as one too many costs no message an attempt while another one carries mail', async (_name, further) => {
  let connections = 0
  const session = (): Script => (connections++ === 0 ? {} : further)
  const { put, outcomes, attempted, facts } = await bench({}, { maxConnections: 10, session })
  put(1)
  await attempted(1)
  put(40)
  await attempted(41)
  expect([outcomes(), facts('smarthostEjected')]).toEqual([Array(41).fill('1 delivered'), []])
})

const ofOneRecipient: readonly (readonly [name: string, further: Script])[] = [
  ['421 that names no connection', { RCPT: say('421 4.7.1 greylisted', { ends: 'drop' }) }],
  ['421 for recipients', { RCPT: say('421 4.5.3 too many recipients on this connection', { ends: 'drop' }) }],
]
test.each(
  ofOneRecipient,
)('case U23: a further connection that is ended at RCPT by %s is a failure, and does not limit how many are opened', async (_name, further) => {
  let connections = 0
  const session = (): Script => (connections++ === 1 ? further : {})
  const held = Promise.withResolvers<void>()
  const slow = say('250 2.0.0 queued', { after: held.promise })
  const script: Script = { dot: (time) => (time > 0 ? slow : undefined) }
  const { upstream, put, outcomes, attempted } = await bench(script, { maxConnections: 3, session })
  put(1)
  await attempted(1)
  put(3)
  await attempted(2)
  await until('two are under way', () => upstream.times('dot') === 3)
  held.resolve()
  await attempted(4)
  expect(outcomes().toSorted()).toEqual(['1 deferred', ...Array(3).fill('1 delivered')])
})

test('case U23: whom a further connection has taken has the message once, though another recipient was refused as by one too many', async () => {
  let connections = 0
  const full: Script = { RCPT: (_time, line) => (line.includes('<b') ? say('450 4.7.1 too many sessions') : undefined) }
  const session = (): Script => (connections++ === 0 ? {} : full)
  const freed = Promise.withResolvers<void>()
  const { upstream, put, spool, attempts, attempted } = await bench(
    { dot: (time) => (time === 1 ? say('250 2.0.0 queued', { after: freed.promise }) : undefined) },
    { session },
  )
  put(1)
  await attempted(1)
  put(1)
  await until('the connection is in use', () => upstream.times('dot') === 2)
  spool.put(envelope(hello, { forwardPaths: ['a@x.test', 'b@x.test'] }), hello)
  await attempted(3)
  freed.resolve()
  await attempted(4)
  expect(attempts.slice(1, 3).map(({ outcome }) => outcome.kind)).toEqual(['delivered', 'deferred'])
  expect(upstream.received.filter(({ rcpt }) => rcpt.includes('RCPT TO:<a@x.test>'))).toHaveLength(1)
})

test('case U23: where each further connection is refused at MAIL, and the one that carried mail has ended, that is a failure', async () => {
  const full = say('421 4.7.0 too many connections', { ends: 'drop' })
  const { upstream, put, outcomes, attempted } = await bench({
    dot: (time) => (time === 1 ? silence : undefined),
    MAIL: (time) => (time > 1 ? full : undefined),
  })
  put(1)
  await attempted(1)
  put(2)
  await until('one waits for the other', () => upstream.times('dot') === 2 && upstream.times('MAIL') === 3)
  upstream.dropAll()
  await attempted(3)
  expect(outcomes().slice(1).toSorted()).toEqual(['1 ambiguous', '1 deferred'])
  expect(upstream.times('MAIL')).toBe(4)
})

test('case U23: while the first connection is still being opened, those that are refused as too many wait for it', async () => {
  const full = say('421 4.7.0 too many connections', { ends: 'drop' })
  const { put, outcomes, attempted } = await bench(
    { banner: (time) => (time === 0 ? say('220 late', { afterMs: 1000 }) : full) },
    { maxConnections: 5 },
  )
  put(5)
  await attempted(5)
  expect(outcomes()).toEqual(Array(5).fill('1 delivered'))
})

test('case U23: when the only connection is lost, and the next one can not be opened, all messages that waited share that failure', async () => {
  const full = say('421 4.7.0 too many connections', { ends: 'drop' })
  const { upstream, put, outcomes, attempted } = await bench(
    { banner: (time) => (time > 0 ? full : undefined), dot: (time) => (time === 1 ? silence : undefined) },
    { maxConnections: 6 },
  )
  put(1)
  await attempted(1)
  put(6)
  await until('five are refused', () => upstream.times('banner') >= 6 && upstream.times('dot') === 2)
  await until('the refused ones are gone', () => upstream.open() === 1)
  upstream.script.banner = drop
  const before = upstream.connections()
  upstream.dropAll()
  await attempted(7)
  expect(outcomes().slice(1).toSorted()).toEqual(['1 ambiguous', ...Array(5).fill('1 deferred')])
  expect(upstream.connections() - before).toBeLessThan(5)
})

test('a relay that ends while a further connection is not greeted yet waits for none that is open', async () => {
  const { upstream, put, delivery, attempted, spool } = await bench({
    banner: (time) => (time === 1 ? silence : undefined),
    dot: (time) => (time === 1 ? silence : undefined),
  })
  put(1)
  await attempted(1)
  put(2)
  await until('both are under way', () => upstream.times('dot') === 2 && upstream.times('banner') === 2)
  await delivery.close(0)
  expect([delivery.summary().inFlight, spool.stored.size]).toEqual([0, 2])
})

test('a smarthost without a login has as many connections opened at one time as there are messages', async () => {
  const greeted = Promise.withResolvers<void>()
  const late = say('220 late', { after: greeted.promise })
  const { upstream, put, outcomes, attempted } = await bench(
    { banner: (time) => (time > 0 ? late : undefined) },
    { maxConnections: 5, messagesPerConnection: 1 },
  )
  put(1)
  await attempted(1)
  put(5)
  await until('five wait to be greeted', () => upstream.times('banner') === 6)
  greeted.resolve()
  await attempted(6)
  expect(outcomes()).toEqual(Array(6).fill('1 delivered'))
})

const refusals: readonly (readonly [name: string, banner: Behaviour, laterMs: number])[] = [
  ['refused for good', say('554 5.7.1 not for you', { ends: 'drop' }), 0],
  ['closed, while the open one has carried nothing for long,', drop, 31_000],
]
test.each(
  refusals,
)('case U23: a further connection that is %s is a failure of the smarthost', async (_name, banner, laterMs) => {
  const { upstream, put, attempts, attempted } = await bench({
    banner: (time) => (time === 1 ? banner : undefined),
    dot: (time) => (time === 1 ? silence : undefined),
  })
  put(1)
  await attempted(1)
  put(1)
  await until('the second message is under way', () => upstream.times('dot') === 2)
  clockAhead(laterMs)
  const [third] = put(1)
  await attempted(2)
  expect(attempts.slice(1).map((a) => [a.queueId, a.outcome.kind])).toEqual([[third, 'deferred']])
})

test('case U23: where the system refuses a further connection, as of a Sendmail with all its children, mail goes over the open ones', async () => {
  const { upstream, put, outcomes, attempted } = await bench({}, { maxConnections: 5 })
  put(1)
  await attempted(1)
  upstream.listenNoMore()
  put(20)
  await attempted(21)
  expect([outcomes(), upstream.connections()]).toEqual([Array(21).fill('1 delivered'), 1])
})

test('case U23: where the system refuses a further connection while the open one has carried nothing for long, that is a failure', async () => {
  const { upstream, put, attempts, attempted } = await bench({ dot: (time) => (time === 1 ? silence : undefined) })
  put(1)
  await attempted(1)
  put(1)
  await until('the second message is under way', () => upstream.times('dot') === 2)
  upstream.listenNoMore()
  clockAhead(31_000)
  const [third] = put(1)
  await attempted(2)
  expect(attempts.slice(1).map((a) => [a.queueId, a.outcome.kind])).toEqual([[third, 'deferred']])
})

test('case U23: a connection that is closed while no other is open yet is a failure of the smarthost, and waits for none', async () => {
  const greeted = Promise.withResolvers<void>()
  const { put, outcomes, attempted } = await bench(
    { banner: (time) => [undefined, say('220 late', { after: greeted.promise }), drop][time] },
    { messagesPerConnection: 1 },
  )
  put(1)
  await attempted(1)
  put(2)
  await attempted(2)
  greeted.resolve()
  await attempted(3)
  expect(outcomes()).toEqual(['1 delivered', '1 deferred', '1 delivered'])
})

/** A smarthost that may have five connections has taken one and refused more, until `takeAll`; four messages are delivered. */
async function oneTaken() {
  const one = await bench({}, { maxConnections: 5 })
  const { upstream, put, attempted } = one
  put(1)
  await attempted(1)
  let room = 1
  const full = say('421 4.7.0 too many connections', { ends: 'drop' })
  upstream.script.banner = () => (upstream.open() > room ? full : undefined)
  put(3)
  await attempted(4)
  const takeAll = (): void => {
    room = 5
  }
  return { ...one, takeAll }
}

test('case U23: what waits while one message keeps the only connection that a smarthost takes goes on once that may take more, also where no other mail comes', async () => {
  const { upstream, put, outcomes, attempted, takeAll } = await oneTaken()
  upstream.script.dot = (time) => (time === 4 ? silence : undefined)
  put(1)
  await until('one message keeps the connection', () => upstream.times('dot') === 5)
  takeAll()
  clockAhead(29_500)
  put(1)
  await attempted(5)
  expect(outcomes()).toEqual(Array(5).fill('1 delivered'))
})

test('case U23: where one who waits asks for a further connection again, which is not greeted, the next one that comes back is for it', async () => {
  const freed = Promise.withResolvers<void>()
  const { upstream, put, outcomes, attempted } = await bench(
    {
      banner: (time) => [undefined, drop, silence][time],
      dot: (time) => (time === 1 ? say('250 2.0.0 queued', { after: freed.promise }) : undefined),
    },
    { connectMs: 700 },
  )
  put(1)
  await attempted(1)
  put(2)
  await until('it has asked again', () => upstream.times('banner') === 3)
  freed.resolve()
  await attempted(3)
  expect(outcomes()).toEqual(Array(3).fill('1 delivered'))
})

test('case U23: each connection that a smarthost takes again after it took fewer lets the next one be opened, also while all that are open hang', async () => {
  const { upstream, put, outcomes, attempted, takeAll } = await oneTaken()
  takeAll()
  clockAhead(31_000)
  upstream.script.dot = (time) => (time < 7 ? silence : undefined)
  put(4)
  await attempted(5)
  expect(outcomes()).toEqual(Array(5).fill('1 delivered'))
})
