/** A password that is no longer valid is tried once, however much mail waits, and a login that works holds nobody up. */
import { beforeAll, expect, test } from 'vitest'
import { makeCertificates } from '../../certificates.ts'
import { until } from '../../local/until.ts'
import { drop, type Script, say, silence } from './behaviour.ts'
import { clockAhead } from './clock-ahead.ts'
import { allWithin, rig } from './rig.ts'
import { envelope, hello, route, smarthost } from './samples.ts'
import { everything, type Smarthost, startSmarthost } from './smarthost.ts'

let certificate: Awaited<ReturnType<typeof makeCertificates>>
beforeAll(async () => {
  certificate = await makeCertificates(['127.0.0.1'])
})

const refused = say('535 5.7.8 no')

/** A smarthost with a login that has taken `first` messages, and whose connections end when they are idle for `idleMs`. */
async function provenWith({ idleMs = 1, first = 1, deadlineMs = 20_000, withBackup = false, script = {} as Script }) {
  const upstream = await startSmarthost({
    offers: [...everything, 'AUTH PLAIN'],
    certificate,
    tlsFromStart: true,
    script,
  })
  const backup = await startSmarthost()
  const auth = { usernameFile: 'user', passwordFile: 'password' }
  const main = smarthost('main', upstream.port, { tls: { mode: 'Implicit', caFile: 'ca' }, auth })
  const hosts = withBackup ? [main, smarthost('backup', backup.port, { priority: 1 })] : [main]
  const bench = rig([route('r', hosts)], {
    files: { user: 'relay', password: 'secret', ca: certificate.ca },
    deadlines: allWithin(deadlineMs),
    poolLimits: { idleMs, messagesPerConnection: 1000 },
  })
  const put = (count: number): void => {
    for (let i = 0; i < count; i++) bench.spool.put(envelope(hello), hello)
  }
  put(first)
  await until('the first are delivered', () => upstream.received.length === first)
  await bench.quiet()
  if (idleMs === 1) await until('nothing is open', () => upstream.open() === 0)
  return { ...bench, put, upstream, backup }
}

const isLeftOut = ({ delivery }: Pick<Awaited<ReturnType<typeof provenWith>>, 'delivery'>): boolean =>
  delivery.smarthosts()[0]?.health === 'ejected'

/** From now on, a login of a moment ago no longer counts as a sign that the password is valid. */
const later = (): void => clockAhead(1100)
/** Nothing is tried any more: an attempt counts as in flight from before its connection is opened. */
const atRest = ({ delivery }: Pick<Awaited<ReturnType<typeof provenWith>>, 'delivery'>): Promise<unknown> =>
  until('nothing is in flight', () => delivery.summary().inFlight === 0)

const logins = (upstream: Smarthost): number => upstream.times('AUTH')

test('case U22: a password that is no longer valid is tried once, however many messages wait, and one of them is charged an attempt', async () => {
  const bench = await provenWith({})
  const { upstream, put, delivery } = bench
  upstream.script.AUTH = refused
  const before = logins(upstream)
  put(50)
  await until('the smarthost is left out', () => isLeftOut(bench))
  await atRest(bench)
  expect(logins(upstream) - before).toBe(1)
  expect(delivery.summary()).toMatchObject({ ready: 49, deferred: 1, inFlight: 0 })
})

test('case U22: a password that is no longer valid is tried once also beside a connection that still works, and no more after that one has ended', async () => {
  const { promise: after, resolve: goOn } = Promise.withResolvers<void>()
  const bench = await provenWith({
    script: { MAIL: (time) => (time === 1 ? say('250 ok', { after }) : undefined) },
  })
  const { upstream, put, delivery } = bench
  put(1)
  await until('a connection is in use', () => upstream.times('MAIL') === 2)
  later()
  upstream.script.AUTH = say('535 5.7.8 Too many failures, the connection is closed')
  const before = logins(upstream)
  put(50)
  await until('the smarthost is left out', () => isLeftOut(bench))
  goOn()
  await until('the one in use is delivered', () => upstream.received.length === 2)
  await atRest(bench)
  expect(logins(upstream) - before).toBe(1)
  expect(isLeftOut(bench)).toBe(true)
  expect(delivery.summary()).toMatchObject({ ready: 49, deferred: 1, inFlight: 0 })
})

test('case U22: a password that is no longer valid is tried once also where all connections in use are closed at the same time', async () => {
  const bench = await provenWith({ idleMs: 20_000, first: 100 })
  const { upstream, put, delivery } = bench
  const open = upstream.open()
  expect(open).toBeGreaterThan(1)
  later()
  Object.assign(upstream.script, { AUTH: refused, MAIL: drop })
  const before = logins(upstream)
  put(50)
  await until('the smarthost is left out', () => isLeftOut(bench))
  await bench.delivery.close(5000)
  expect(logins(upstream) - before).toBe(1)
  expect(delivery.summary().ready).toBeGreaterThanOrEqual(50 - open - 1)
})

test('when the first connection has logged in the others do, too, and do not wait for the message on the first one', async () => {
  const { promise: after, resolve: goOn } = Promise.withResolvers<void>()
  const { upstream, put, spool } = await provenWith({
    script: {
      AUTH: (time) => (time === 1 ? say('235 2.7.0 welcome', { after }) : undefined),
      MAIL: (time) => (time === 1 ? silence : undefined),
    },
  })
  const before = upstream.connections()
  put(50)
  await until('one logs in', () => logins(upstream) === 2)
  expect(upstream.connections() - before).toBe(1)
  goOn()
  await until('all but the one that hangs are delivered', () => spool.stored.size === 1)
  expect(upstream.most()).toBeGreaterThan(2)
})

// Its deadline passes, since that is what it is about: longer than the second in which a login may fail three times.
test('a login that is not answered costs one deadline, then the next priority takes over', async () => {
  const { upstream, backup, put, attempts } = await provenWith({ deadlineMs: 1500, withBackup: true })
  upstream.script.AUTH = silence
  const before = logins(upstream)
  put(50)
  await until('all are delivered', () => backup.received.length === 50)
  const failed = attempts.filter((a) => a.smarthost === 'main' && a.outcome.kind === 'deferred')
  expect(failed.map(({ outcome }) => outcome.reply?.text)).toEqual(['AUTH: no answer within 1.5 s'])
  expect(logins(upstream) - before).toBe(1)
})
