/** Of several smarthosts and routes: which smarthost takes over when another one fails, and what must not wait for what. */
import { expect, test, vi } from 'vitest'
import { Headroom } from '../../../relay/headroom.ts'
import { Turns } from '../../../relay/turns.ts'
import { until } from '../../local/until.ts'
import { drop, say, silence } from './behaviour.ts'
import { clockAhead } from './clock-ahead.ts'
import { allWithin, fastDeadlines, rig } from './rig.ts'
import { envelope, hello, route, smarthost } from './samples.ts'
import { startSmarthost } from './smarthost.ts'

/** An address and port at which nobody listens. */
const nobody = { host: '127.9.9.9', port: 1 }

test('when a smarthost fails, the next priority takes the same message at once, within the same attempt', async () => {
  const backup = await startSmarthost()
  const routes = [
    route('r', [smarthost('main', nobody.port, nobody), smarthost('backup', backup.port, { priority: 1 })]),
  ]
  const { spool, attempted, attempts, quiet } = rig(routes)
  const message = envelope(hello)
  spool.put(message, hello)
  await attempted(2)
  await quiet()
  expect(attempts.map((a) => [a.smarthost, a.attempt, a.outcome.kind])).toEqual([
    ['main', 1, 'deferred'],
    ['backup', 1, 'delivered'],
  ])
  expect(spool.stored.size).toBe(0)
})

test('where a smarthost needs a file that is not here the next one takes the message at once, and only there it was attempted', async () => {
  const backup = await startSmarthost()
  const main = smarthost('main', nobody.port, { ...nobody, tls: { mode: 'StartTLS', caFile: 'ca' } })
  const { spool, settled, attempts } = rig([route('r', [main, smarthost('backup', backup.port, { priority: 1 })])])
  await settled(spool.put(envelope(hello), hello).envelope)
  expect(attempts.map((a) => [a.smarthost, a.attempt, a.outcome.kind])).toEqual([['backup', 1, 'delivered']])
})

test.each([
  ['a refusal in the banner', { banner: say('554 5.3.2 not today') }],
  ['a connection lost before the dot', { DATA: drop }],
  ['421 at MAIL', { MAIL: say('421 4.3.2 going down') }],
  ['a full disk of Postfix or Exchange', { MAIL: say('452 4.3.1 Insufficient system storage') }],
  ['a full disk of Sendmail', { MAIL: say('452 4.4.5 Insufficient disk space; try again later') }],
  ['a full disk of Exim', { MAIL: say('452 Space shortage, please try later') }],
  ['a full disk at DATA', { DATA: say('452 4.3.1 Insufficient system resources') }],
  ['a disk that the content has filled', { dot: say('452 4.3.1 Insufficient system storage') }],
  ['a disk that the content of a Sendmail has filled', { dot: say('452 4.4.5 Out of disk space for temp file') }],
])('after %s at the main smarthost the backup takes the message over', async (_name, script) => {
  const [main, backup] = [await startSmarthost({ script }), await startSmarthost()]
  const routes = [route('r', [smarthost('main', main.port), smarthost('backup', backup.port, { priority: 1 })])]
  const { spool, attempted, attempts } = rig(routes)
  spool.put(envelope(hello), hello)
  await attempted(2)
  expect(attempts.map((a) => [a.smarthost, a.outcome.kind])).toEqual([
    ['main', 'deferred'],
    ['backup', 'delivered'],
  ])
})

test.each([
  ['a lost answer after the dot', { dot: drop }, 'ambiguous'],
  ['a refusal', { dot: say('554 5.7.1 no') }, 'bounced'],
  ['a deferral of this message', { MAIL: say('451 4.3.0 later') }, 'deferred'],
  ['throttling', { MAIL: say('454 Throttling failure') }, 'deferred'],
  ['a full mailbox', { RCPT: say('452 4.2.2 mailbox full') }, 'deferred'],
  ['a full mailbox behind the content', { dot: say('452 4.2.2 mailbox full') }, 'deferred'],
  ['a full mailbox behind the content, without a status', { dot: say('452 mailbox full') }, 'deferred'],
])('after %s at the main smarthost the backup does not take the message over', async (_name, script, kind) => {
  const [main, backup] = [await startSmarthost({ script }), await startSmarthost()]
  const routes = [route('r', [smarthost('main', main.port), smarthost('backup', backup.port, { priority: 1 })])]
  const { spool, attempted, attempts, quiet } = rig(routes)
  const { queueId } = spool.put(envelope(hello), hello).envelope
  await attempted(1)
  await quiet()
  expect(attempts.filter((a) => a.queueId === queueId).map((a) => [a.smarthost, a.outcome.kind])).toEqual([
    ['main', kind],
  ])
})

test('when a connection is lost, recipients that were answered are settled, and the backup takes the others over', async () => {
  const main = await startSmarthost({
    script: { RCPT: (time) => (time === 0 ? say('550 5.1.1 unknown') : undefined), DATA: drop },
  })
  const backup = await startSmarthost()
  const routes = [route('r', [smarthost('main', main.port), smarthost('backup', backup.port, { priority: 1 })])]
  const { spool, attempts, quiet, attempted } = rig(routes)
  const message = envelope(hello, { forwardPaths: ['a@x.test', 'b@x.test'] })
  spool.put(message, hello)
  await attempted(3)
  await quiet()
  const own = attempts.filter((a) => a.queueId === message.queueId)
  expect(own.map((a) => [a.smarthost, a.forwardPath, a.outcome.kind])).toEqual([
    ['main', 'a@x.test', 'bounced'],
    ['main', 'b@x.test', 'deferred'],
    ['backup', 'b@x.test', 'delivered'],
  ])
  expect(spool.has(message.queueId)).toBe(false)
})

test('smarthosts of one priority take turns', async () => {
  const hosts = await Promise.all([startSmarthost(), startSmarthost(), startSmarthost()])
  const { spool, attempted, quiet } = rig([
    route(
      'r',
      hosts.map(({ port }, i) => smarthost(`s${i}`, port)),
    ),
  ])
  for (let i = 0; i < 3; i++) spool.put(envelope(hello), hello)
  await attempted(3)
  await quiet()
  expect(hosts.map((host) => host.received.length)).toEqual([1, 1, 1])
  for (let i = 0; i < 30; i++) spool.put(envelope(hello), hello)
  await attempted(33)
  expect(hosts.map((host) => host.received.length)).toEqual([11, 11, 11])
})

test('case U25: one of three smarthosts that is silent costs one connection at a time, and no message more than one deadline', async () => {
  const [dead, b, c] = await Promise.all([
    startSmarthost({ script: { banner: silence } }),
    startSmarthost(),
    startSmarthost(),
  ])
  const hosts = [dead, b, c].map(({ port }, i) => smarthost(`s${i}`, port))
  const { spool, quiet, attempts, attempted } = rig([route('r', hosts)], { deadlines: fastDeadlines })
  for (let i = 0; i < 50; i++) spool.put(envelope(hello), hello)
  await attempted(51)
  await quiet()
  expect(b.received.length + c.received.length).toBe(50)
  expect(spool.stored.size).toBe(0)
  expect(dead.most()).toBe(1)
  expect(attempts.filter((a) => a.smarthost === 's0').length).toBeLessThanOrEqual(2)
})

test('case U03, U25: while one message probes a main smarthost that connects and never greets, the backup takes all other messages', async () => {
  const main = await startSmarthost({ script: { banner: (time) => (time === 0 ? drop : silence) } })
  const backup = await startSmarthost()
  const hosts = [smarthost('main', main.port), smarthost('backup', backup.port, { priority: 1 })]
  const { spool, delivery } = rig([route('r', hosts)])
  await until('the main smarthost has failed, and is probed', () => {
    spool.put(envelope(hello), hello)
    return main.times('banner') === 2
  })
  for (let i = 0; i < 50; i++) spool.put(envelope(hello), hello)
  await until('only the probe is left', () => spool.stored.size === 1)
  expect(delivery.summary()).toMatchObject({ ready: 0, inFlight: 1 })
  expect(main.times('banner')).toBe(2)
})

/** A moment for a connection, and longer than a test may take for everything else. */
const deadlines = { ...allWithin(60_000), connect: 300 }

test.each([
  ['greets', { banner: silence }, 'banner'],
  ['answers EHLO', { EHLO: silence }, 'EHLO'],
  ['answers MAIL', { MAIL: silence, RCPT: silence, DATA: silence }, 'MAIL'],
])('case U03: a main smarthost that connects and never %s is waited for only as long as a connection may take, where a backup is free', async (_name, script, stage) => {
  const [main, backup] = [await startSmarthost({ script }), await startSmarthost()]
  const hosts = [smarthost('main', main.port), smarthost('backup', backup.port, { priority: 1 })]
  const { spool, attempted, attempts } = rig([route('r', hosts)], { deadlines })
  spool.put(envelope(hello), hello)
  await attempted(2)
  expect(attempts.map((a) => [a.smarthost, a.outcome.kind, a.outcome.reply.text])).toEqual([
    ['main', 'deferred', expect.stringContaining(`${stage}: `)],
    ['backup', 'delivered', expect.anything()],
  ])
})

test('case U25: when one of two smarthosts that worked falls silent, the message on its open connection goes to the other one', async () => {
  const gone = (time: number) => (time > 0 ? silence : undefined)
  const [a, b] = [
    await startSmarthost({ script: { banner: gone, MAIL: gone, RCPT: gone, DATA: gone } }),
    await startSmarthost(),
  ]
  const { spool, attempts } = rig([route('r', [smarthost('a', a.port), smarthost('b', b.port)])], { deadlines })
  for (let i = 0; i < 4; i++) {
    spool.put(envelope(hello), hello)
    await until('the message is delivered', () => spool.stored.size === 0)
  }
  expect(attempts.filter(({ outcome }) => outcome.kind === 'deferred').map((t) => [t.smarthost, t.attempt])).toEqual([
    ['a', 1],
  ])
  expect(b.received).toHaveLength(3)
})

test.each([
  ['is the last one that is left', true],
  ['is the only one', false],
])('a smarthost that %s may greet late, and answer late (RFC 5321 section 4.5.3.2)', async (_name, hasMain) => {
  const late = await startSmarthost({
    script: { banner: say('220 hello', { afterMs: 500 }), EHLO: say('250 hello', { afterMs: 500 }) },
  })
  const main = await startSmarthost({ script: { banner: drop } })
  const backup = smarthost('late', late.port, { priority: 1 })
  const hosts = hasMain ? [smarthost('main', main.port), backup] : [backup]
  const { spool, attempts } = rig([route('r', hosts)], { deadlines })
  spool.put(envelope(hello), hello)
  await until('the message is delivered', () => spool.stored.size === 0)
  expect(attempts.at(-1)).toMatchObject({ smarthost: 'late', attempt: 1, outcome: { kind: 'delivered' } })
  expect(late.connections()).toBe(1)
})

test('a route whose smarthost is silent delays no other route', async () => {
  const [dead, alive] = [await startSmarthost({ script: { banner: silence } }), await startSmarthost()]
  const toDead = route('dead', [smarthost('d', dead.port)], {
    match: { senderDomains: [], recipientDomains: ['dead.test'] },
  })
  const { spool, attempted, delivery } = rig([toDead, route('alive', [smarthost('a', alive.port)])])
  for (let i = 0; i < 500; i++) spool.put(envelope(hello, { forwardPaths: ['x@dead.test'] }), hello)
  for (let i = 0; i < 20; i++) spool.put(envelope(hello), hello)
  await attempted(20)
  expect(alive.received).toHaveLength(20)
  expect(delivery.summary().ready).toBeGreaterThanOrEqual(498)
})

test('a credential that floods delays another one by no more than its turn', async () => {
  const upstream = await startSmarthost()
  const { spool, attempted, attempts } = rig([route('r', [smarthost('a', upstream.port, { maxConnections: 1 })])])
  for (let i = 0; i < 200; i++) spool.put(envelope(hello, { credential: 'team-a/flood' }), hello)
  const other = envelope(hello, { credential: 'team-b/web' })
  spool.put(other, hello)
  await attempted(201)
  expect(attempts.findIndex((a) => a.queueId === other.queueId)).toBeLessThan(10)
})

test('an attempt waits for its turn beside the work for clients that submit (case R15)', async () => {
  const upstream = await startSmarthost()
  const [turns, headroom] = [new Turns(), new Headroom()]
  const [turn, enter] = [vi.spyOn(turns, 'turn'), vi.spyOn(headroom, 'enter')]
  const { spool, attempted } = rig([route('r', [smarthost('a', upstream.port)])], { turns, headroom })
  spool.put(envelope(hello, { credential: 'team-b/web' }), hello)
  await attempted(1)
  const owner = { rank: 'delivery', name: 'team-b/web' }
  expect([enter, turn].map(({ mock }) => mock.calls.map(([who]) => who))).toEqual([[owner], [owner]])
})

test('recipients of one message on two routes are delivered apart, and the message stays until all are done', async () => {
  const [a, b] = [await startSmarthost(), await startSmarthost({ script: { RCPT: say('450 4.2.0 later') } })]
  const toB = route('b', [smarthost('b', b.port)], { match: { senderDomains: [], recipientDomains: ['b.test'] } })
  const { spool, attempted, quiet } = rig([toB, route('a', [smarthost('a', a.port)])])
  const message = envelope(hello, { forwardPaths: ['x@b.test', 'y@a.test', 'z@a.test'] })
  spool.put(message, hello)
  await attempted(3)
  await quiet()
  expect(a.received.map((r) => r.rcpt)).toEqual([['RCPT TO:<y@a.test>', 'RCPT TO:<z@a.test>']])
  expect(spool.stored.get(message.queueId)?.recipients.map((r) => r.state)).toEqual([
    'pending',
    'delivered',
    'delivered',
  ])
})

test('a smarthost that comes back is used again, and no attempt is counted for the mail that only waited for it', async () => {
  const upstream = await startSmarthost({ script: { banner: (time) => (time === 0 ? drop : undefined) } })
  const { spool, attempts, delivery, facts } = rig([route('r', [smarthost('a', upstream.port)])])
  for (let i = 0; i < 50; i++) spool.put(envelope(hello), hello)
  await until('the rest is delivered', () => upstream.received.length === 49)
  expect(attempts.filter((a) => a.outcome.kind === 'deferred')).toHaveLength(1)
  expect(delivery.summary()).toMatchObject({ deferred: 1, ready: 0 })
  expect(facts('smarthostEjected')).toEqual([['a', '127.0.0.1', 1000, expect.stringMatching(/^451 4\.4\.2 banner: /)]])
})

test('a recipient that no route takes waits, and does not bounce, also after a day', async () => {
  const forNobody = route('nobody', [smarthost('a', 1)], {
    match: { senderDomains: [], recipientDomains: [], credentials: [] },
  })
  const { spool, delivery, facts } = rig([forNobody])
  const acceptedAt = Date.now() - 24.5 * 3_600_000
  const { envelope: message } = spool.put(envelope(hello, { acceptedAt }), hello)
  await until('the message is deferred', () => delivery.summary().deferred === 1)
  expect(spool.stored.get(message.queueId)?.recipients).toMatchObject([{ state: 'pending' }])
  expect(facts('deferred')).toEqual([
    [message.queueId, 'user@example.net', expect.any(Number), expect.stringMatching(/^451 4\.3\.5 no route /)],
  ])
  expect(facts('bounced')).toEqual([])
})

test('case U25: when a main smarthost takes no new connection, and is silent on its only one, the backup takes the other messages', async () => {
  const [main, backup] = [await startSmarthost(), await startSmarthost()]
  const routes = [route('r', [smarthost('main', main.port), smarthost('backup', backup.port, { priority: 1 })])]
  const { spool, attempted, quiet } = rig(routes)
  spool.put(envelope(hello), hello)
  await attempted(1)
  await quiet()
  main.script.dot = silence
  main.script.banner = drop
  spool.put(envelope(hello), hello)
  await until('the main smarthost is silent', () => main.times('dot') === 2)
  clockAhead(31_000)
  for (let i = 0; i < 10; i++) spool.put(envelope(hello), hello)
  await until('the backup has all others', () => backup.received.length === 10)
})

test('case U25: a main smarthost that is silent on all its connections keeps mail from the backup no longer than connecting may take', async () => {
  const [main, backup] = [await startSmarthost(), await startSmarthost()]
  const mainHop = smarthost('main', main.port, { maxConnections: 2 })
  const { spool, attempted, quiet } = rig([route('r', [mainHop, smarthost('backup', backup.port, { priority: 1 })])])
  spool.put(envelope(hello), hello)
  await attempted(1)
  await quiet()
  main.script.dot = silence
  for (let i = 0; i < 10; i++) spool.put(envelope(hello), hello)
  await until('the main smarthost is silent', () => main.times('dot') === 3)
  expect(backup.times('banner')).toBe(0)
  clockAhead(31_000)
  spool.put(envelope(hello), hello)
  await until('the backup has all others', () => backup.received.length === 9)
})

test.each([
  ['closed', drop],
  ['refused for now', say('421 4.7.0 too many connections', { ends: 'drop' })],
])('case U25: what waits for the only connection of a main smarthost goes to the backup together, once that is silent and a further one is %s', async (_name, banner) => {
  const [main, backup] = [await startSmarthost(), await startSmarthost()]
  const routes = [route('r', [smarthost('main', main.port), smarthost('backup', backup.port, { priority: 1 })])]
  const { spool, attempted, quiet } = rig(routes, { deadlines: { ...allWithin(120_000), connect: 500 } })
  spool.put(envelope(hello), hello)
  await attempted(1)
  await quiet()
  main.script.dot = silence
  main.script.banner = banner
  for (let i = 0; i < 6; i++) spool.put(envelope(hello), hello)
  await until('five are refused and wait', () => main.times('dot') === 2 && main.times('banner') >= 6)
  await until('the refused ones are gone', () => main.open() === 1)
  const asked = main.times('banner')
  clockAhead(31_000)
  await until('the backup has the five', () => backup.received.length === 5)
  expect(main.times('banner')).toBeLessThanOrEqual(asked + 1)
})

test.each([
  ['nowhere.invalid', '4.4.3'],
  [nobody.host, '4.4.1'],
])('case N02, U03: mail for a smarthost at %s, which can not be reached, is deferred with %s', async (host, status) => {
  const { spool, attempted, attempts, facts } = rig([route('r', [smarthost('a', nobody.port, { host })])])
  spool.put(envelope(hello), hello)
  await attempted(1)
  expect(attempts[0]?.outcome).toMatchObject({ kind: 'deferred', scope: 'nextHop', reply: { status } })
  expect(facts('bounced')).toEqual([])
})

test('a backup that is occupied is waited for, and the smarthost that failed is not tried again meanwhile', async () => {
  const main = await startSmarthost({ script: { DATA: (time) => (time === 1 || time === 2 ? drop : undefined) } })
  const backup = await startSmarthost({ script: { dot: say('250 2.0.0 queued', { afterMs: 100 }) } })
  const hosts = [smarthost('main', main.port), smarthost('backup', backup.port, { priority: 1, maxConnections: 1 })]
  const { spool, attempted, attempts, quiet } = rig([route('r', hosts)])
  spool.put(envelope(hello), hello)
  await attempted(1)
  await quiet()
  for (let i = 0; i < 2; i++) spool.put(envelope(hello), hello)
  await until('all are delivered', () => spool.stored.size === 0)
  expect(attempts.map((a) => [a.smarthost, a.outcome.kind])).toEqual([
    ['main', 'delivered'],
    ['main', 'deferred'],
    ['main', 'deferred'],
    ['backup', 'delivered'],
    ['backup', 'delivered'],
  ])
})

test('of what waits for an occupied backup no more is kept than may be in flight, and the rest is deferred', async () => {
  const main = await startSmarthost({ script: { DATA: (time) => (time % 2 === 1 ? drop : undefined) } })
  const backup = await startSmarthost({ script: { dot: silence } })
  const hosts = [smarthost('main', main.port), smarthost('backup', backup.port, { priority: 1 })]
  const { spool, attempted, delivery } = rig([
    route(
      'r',
      hosts.map((h) => ({ ...h, maxConnections: 1 })),
    ),
  ])
  for (let i = 0; i < 40; i++) spool.put(envelope(hello), hello)
  await attempted(40)
  await until('the main smarthost has had all', () => main.received.length === 20 && delivery.summary().deferred === 17)
  expect(delivery.summary()).toMatchObject({ ready: 2, inFlight: 1 })
})
