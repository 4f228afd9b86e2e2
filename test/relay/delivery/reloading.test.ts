/** When the configuration changes while mail waits or is on its way, mail goes by the new one, and none is lost sight of. */
import { expect, onTestFinished, test } from 'vitest'
import { createLookup } from '../../../relay/delivery/addresses.ts'
import { Pool } from '../../../relay/delivery/pool.ts'
import { makeCertificates } from '../../certificates.ts'
import { until } from '../../local/until.ts'
import { type Script, say, silence } from './behaviour.ts'
import { MemorySpool } from './memory-spool.ts'
import { allWithin, fastDeadlines, rig } from './rig.ts'
import { envelope, hello, route, smarthost } from './samples.ts'
import { everything, type Smarthost, startSmarthost } from './smarthost.ts'
import { at, mx, one, rcptOf, to } from './two-domains.ts'
import { startWorld } from './world.ts'

test('a reload with another smarthost sends the mail that waits there', async () => {
  const [dead, alive] = [await startSmarthost({ script: { banner: silence } }), await startSmarthost()]
  const { spool, reload, delivery } = rig([route('r', [smarthost('a', dead.port)])], { deadlines: fastDeadlines })
  for (let i = 0; i < 10; i++) spool.put(envelope(hello), hello)
  await until('one is in flight', () => delivery.summary().inFlight === 1)
  reload([route('r', [smarthost('a', alive.port)])])
  await until('all are received', () => alive.received.length === 10)
  await until('nothing is left', () => spool.stored.size === 0)
})

test.each([
  ['is not greeted there', silence],
  ['waits there for a connection to be free', undefined],
])('case U03: when a reload takes a smarthost away, mail that %s goes another way at once, and no attempt is charged or told', async (_what, banner) => {
  const full = say('421 4.7.0 too many connections', { ends: 'drop' })
  const gone: Smarthost = await startSmarthost({ script: { banner: () => (gone.open() > 1 ? full : undefined) } })
  const next = await startSmarthost()
  const { spool, attempts, attempted, reload, quiet, facts } = rig([route('r', [smarthost('gone', gone.port)])])
  spool.put(envelope(hello), hello)
  await attempted(1)
  await quiet()
  gone.script.MAIL = silence
  if (banner !== undefined) gone.script.banner = banner
  for (let i = 0; i < 6; i++) spool.put(envelope(hello), hello)
  await until('the messages wait', () => gone.times('MAIL') === 2 && gone.times('banner') >= 6)
  reload([route('r', [smarthost('next', next.port)])])
  await attempted(6)
  expect(next.received).toHaveLength(5)
  expect(facts('smarthostEjected')).toEqual([])
  const told = attempts.slice(1).map((a) => [a.smarthost, a.attempt, a.outcome.kind])
  expect(told).toEqual(told.map(() => ['next', 1, 'delivered']))
})

test.each([
  ['by this reload', 0],
  ['by the second reload', 1],
])('case U03: mail that an exchanger does not greet goes to a smarthost at once where its route is given one %s, and no attempt is charged or told', async (_which, before) => {
  const table = { 'a.test': mx([10, 'mx.a.test']), 'mx.a.test': at(one) }
  const { hosts, routes, spool, reload, attempts, attempted } = await startWorld(table, {
    [one]: { script: { banner: silence } },
  })
  const next = await startSmarthost()
  spool.put(to('u@a.test'), hello)
  await until('the message waits', () => hosts[one].times('banner') === 1)
  for (let i = 0; i < before; i++) reload(routes)
  reload([route('out', [smarthost('next', next.port)])])
  await attempted(1)
  expect(attempts.map((a) => [a.smarthost, a.attempt, a.outcome.kind])).toEqual([['next', 1, 'delivered']])
})

const onlyTo = (domain: string) => ({ match: { senderDomains: [], recipientDomains: [domain] } })
test.each([
  ['is not greeted there', silence],
  ['waits there for a connection to be free', undefined],
])('case U03: when a reload gives a domain a route of its own, mail for it that %s goes that way at once, and no other mail is lost sight of', async (_what, banner) => {
  const full = say('421 4.7.0 too many connections', { ends: 'drop' })
  const before: Smarthost = await startSmarthost({
    script: { banner: () => (before.open() > 1 ? full : undefined) },
  })
  const own = await startSmarthost()
  const rest = route('rest', [smarthost('before', before.port)])
  const { spool, attempts, attempted, reload, quiet, facts } = rig([rest])
  spool.put(to('u@other.test'), hello)
  await attempted(1)
  await quiet()
  const answers = Promise.withResolvers<void>()
  before.script.MAIL = say('250 2.1.0 ok', { after: answers.promise })
  if (banner !== undefined) before.script.banner = banner
  spool.put(to('v@other.test'), hello)
  await until('the open connection is in use', () => before.times('MAIL') === 2)
  for (const domain of ['own.test', 'own.test', 'other.test']) spool.put(to(`w@${domain}`), hello)
  await until('the messages wait', () => before.times('banner') >= 4)
  if (banner !== undefined) delete before.script.banner
  reload([route('own', [smarthost('own', own.port)], onlyTo('own.test')), rest])
  await until('mail for the domain is there', () => own.received.length === 2)
  answers.resolve()
  await attempted(5)
  expect(rcptOf(own.received)).toEqual(['w@own.test', 'w@own.test'])
  expect(rcptOf(before.received)).toEqual(['u@other.test', 'v@other.test', 'w@other.test'])
  expect(attempts.map((a) => [a.attempt, a.outcome.kind])).toEqual(attempts.map(() => [1, 'delivered']))
  expect(facts('smarthostEjected')).toEqual([])
})

test.each([
  ['has just been opened', 0],
  ['was used before', 1],
])('a smarthost that a reload takes away while the disk holds up the file of open attempts gets no mail over a connection that %s', async (_what, before) => {
  const upstream = await startSmarthost()
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let [connected, asked] = [0, 0]
  const around = { lookup: createLookup(), deadlines: allWithin(20_000), noted: () => gates[asked++]?.promise }
  const target = { smarthost: smarthost('a', upstream.port), helloName: 'relay.example.org' }
  const pool = new Pool(target, around, { smarthostConnected: () => connected++ })
  onTestFinished(() => pool.destroy())
  const { acquire, release } = pool.connections(() => false)
  if (before > 0) {
    gates[0]?.resolve()
    const first = await acquire(false)
    if (first.kind === 'open') release(first.client, [])
  }
  const acquired = acquire(false)
  await until('the disk is waited for', () => connected === 1 && asked === 1 + before)
  pool.abandon()
  gates[before]?.resolve()
  expect(await acquired).toMatchObject({ kind: 'failed', answer: { kind: 'none', cause: 'withdrawn' } })
  await until('the connection is closed', () => upstream.open() === 0)
})

test('case U03: what waited for a connection when a reload withdrew it does not share the failure of one that is opened afterwards', async () => {
  const refused = say('535 5.7.8 no', { ends: 'drop' })
  const script: Script = {
    banner: (time) => (time === 1 ? say('421 4.7.0 too many connections', { ends: 'drop' }) : undefined),
    AUTH: (time) => (time === 0 ? say('235 2.7.0 welcome') : refused),
  }
  const certificate = await makeCertificates(['127.0.0.1'])
  const upstream = await startSmarthost({ script, certificate, offers: [...everything, 'STARTTLS', 'AUTH PLAIN'] })
  const around = { lookup: createLookup(), deadlines: allWithin(20_000) }
  const login = { username: 'relay', password: 'word' }
  const overTls = smarthost('a', upstream.port, { tls: { mode: 'StartTLS' } })
  const target = { smarthost: overTls, helloName: 'relay.example.org', login, roots: certificate.ca }
  const pool = new Pool(target, around, { smarthostConnected: () => {} })
  onTestFinished(() => pool.destroy())
  expect(await pool.connections(() => false).acquire(false)).toMatchObject({ kind: 'open' })
  const waits = pool.connections(() => false).acquire(false)
  await until(
    'the second one is refused as one too many',
    () => upstream.times('banner') === 2 && upstream.open() === 1,
  )
  pool.withdraw()
  const afterwards = pool.connections(() => false).acquire(false)
  expect(await waits).toMatchObject({ kind: 'failed', answer: { kind: 'none', cause: 'withdrawn' } })
  expect(await afterwards).toMatchObject({ kind: 'failed', answer: { kind: 'reply', reply: { code: 535 } } })
})

test.each([
  ['its only connection is in use', { maxConnections: 1 }],
  ['it is being probed', {}],
])('after a reload while a smarthost takes no more, since %s, the mail that waits goes on when it does', async (_name, rest) => {
  const upstream = await startSmarthost({
    script: { MAIL: (time) => (time === 0 ? say('250 ok', { afterMs: 50 }) : undefined) },
  })
  const routes = [route('r', [smarthost('a', upstream.port, rest)])]
  const { spool, reload, quiet } = rig(routes)
  for (let i = 0; i < 5; i++) spool.put(envelope(hello), hello)
  await until('one is on its way', () => upstream.times('MAIL') === 1)
  reload(routes)
  await quiet()
  expect(upstream.received).toHaveLength(5)
  expect(spool.stored.size).toBe(0)
})

test('after a reload while messages are being read, none of them is missing in the summary of the queue', async () => {
  const upstream = await startSmarthost()
  const spool = new MemorySpool()
  for (let i = 0; i < 40; i++) spool.put(envelope(hello), hello)
  const gate = Promise.withResolvers<void>()
  spool.before = () => gate.promise
  const routes = [route('r', [smarthost('a', upstream.port)])]
  const { delivery, reload } = rig(routes, { spool })
  const queued = (): number => delivery.summary().ready + delivery.summary().deferred + delivery.summary().inFlight
  expect(queued()).toBe(40)
  reload(routes)
  expect(queued()).toBe(40)
  gate.resolve()
  await until('all are delivered', () => upstream.received.length === 40)
  await until('the queue is empty', () => queued() === 0)
})

test('a suspended fleet keeps its queue until it is resumed', async () => {
  const upstream = await startSmarthost()
  const routes = [route('r', [smarthost('a', upstream.port)])]
  const { spool, reload, delivery } = rig(routes, { config: { suspended: true } })
  spool.put(envelope(hello), hello)
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
  expect(delivery.summary()).toMatchObject({ ready: 1, inFlight: 0 })
  expect(upstream.connections()).toBe(0)
  reload(routes, { suspended: false })
  await until('the message is delivered', () => upstream.received.length === 1)
})

test('a suspended fleet keeps no connection to a smarthost open, neither an idle one nor that of mail that was on its way', async () => {
  const goesOn = Promise.withResolvers<void>()
  const after = goesOn.promise
  const upstream = await startSmarthost({ script: { dot: (time) => say('250 ok', time === 2 ? { after } : {}) } })
  const routes = [route('r', [smarthost('a', upstream.port)])]
  const { spool, reload, attempted, quiet } = rig(routes)
  for (let i = 0; i < 2; i++) spool.put(envelope(hello), hello)
  await attempted(2)
  await quiet()
  spool.put(envelope(hello), hello)
  await until('one is on its way', () => upstream.times('dot') === 3)
  reload(routes, { suspended: true })
  await until('idle ones are closed', () => upstream.open() === 1)
  goesOn.resolve()
  await until('the last one is closed', () => upstream.open() === 0)
  expect(upstream.received).toHaveLength(3)
})

test('a suspended fleet delivers nothing over a connection that a smarthost has not greeted yet: mail waits, and no attempt is charged', async () => {
  const greets = Promise.withResolvers<void>()
  const upstream = await startSmarthost({ script: { banner: say('220 smarthost.test', { after: greets.promise }) } })
  const routes = [route('r', [smarthost('a', upstream.port)])]
  const { spool, reload, attempts, attempted, delivery } = rig(routes)
  spool.put(envelope(hello), hello)
  await until('the message waits', () => upstream.times('banner') === 1)
  reload(routes, { suspended: true })
  await until('the connection has ended', () => upstream.open() === 0)
  greets.resolve()
  expect(delivery.summary()).toMatchObject({ ready: 1, inFlight: 0 })
  reload(routes, { suspended: false })
  await attempted(1)
  expect(attempts.map((a) => [a.attempt, a.outcome.kind])).toEqual([[1, 'delivered']])
  expect(upstream.received).toHaveLength(1)
})

test('a suspended fleet delivers nothing over a connection that an exchanger has not greeted yet', async () => {
  const table = { 'a.test': mx([10, 'mx.a.test']), 'mx.a.test': at(one) }
  const greets = Promise.withResolvers<void>()
  const banner = say('220 mx.a.test', { after: greets.promise })
  const { hosts, routes, spool, reload, attempts, attempted } = await startWorld(table, {
    [one]: { script: { banner } },
  })
  spool.put(to('u@a.test'), hello)
  await until('the message waits', () => hosts[one].times('banner') === 1)
  reload(routes, { suspended: true })
  await until('the connection has ended', () => hosts[one].open() === 0)
  greets.resolve()
  reload(routes, { suspended: false })
  await attempted(1)
  expect(attempts.map((a) => [a.attempt, a.outcome.kind])).toEqual([[1, 'delivered']])
  expect(hosts[one].received).toHaveLength(1)
})

test('a fleet that is suspended and resumed has no more connections than are allowed, with those that are in flight', async () => {
  const { promise: after, resolve: goOn } = Promise.withResolvers<void>()
  const upstream = await startSmarthost({
    script: { MAIL: (time) => (time === 0 ? say('250 ok', { after }) : undefined) },
  })
  const routes = [route('r', [smarthost('a', upstream.port, { maxConnections: 1 })])]
  const { spool, reload, attempted } = rig(routes)
  spool.put(envelope(hello), hello)
  await until('one is in flight', () => upstream.times('MAIL') === 1)
  reload(routes, { suspended: true })
  spool.put(envelope(hello), hello)
  reload(routes, { suspended: false })
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
  goOn()
  await attempted(2)
  expect(upstream.most()).toBe(1)
})
