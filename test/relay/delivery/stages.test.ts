/** A reload, or the end of the relay, at each stage of a delivery: what has begun is finished, and all else goes the new way. */
import { beforeAll, expect, test } from 'vitest'
import type { SmarthostConfig } from '../../../relay/config.ts'
import { makeCertificates } from '../../certificates.ts'
import { until } from '../../local/until.ts'
import { type Behaviour, type ScriptStage, say, silence, usual } from './behaviour.ts'
import { oneSmarthost, rig } from './rig.ts'
import { contentOf, envelope, route, smarthost } from './samples.ts'
import { everything, type Smarthost, startSmarthost } from './smarthost.ts'

let certificate: Awaited<ReturnType<typeof makeCertificates>>
beforeAll(async () => {
  certificate = await makeCertificates(['127.0.0.1'])
})

const openings = ['banner', 'EHLO', 'STARTTLS', 'AUTH'] as const
const transactions = ['MAIL', 'RCPT', 'DATA', 'dot'] as const
const tls: SmarthostConfig['tls'] = { mode: 'StartTLS', caFile: 'ca' }
const auth = { usernameFile: 'user', passwordFile: 'password' }
const content = contentOf(2000)
const offers = [...everything, 'STARTTLS', 'AUTH PLAIN']
const usually = {
  ...usual,
  EHLO: say(`250-smarthost.test\r\n${offers.map((keyword) => `250-${keyword}\r\n`).join('')}250 HELP`),
}

/** A smarthost whose first connection stays at a stage until the gate is open, and a message that is there. */
async function atStage(stage: ScriptStage, rest: Partial<SmarthostConfig>, held: Behaviour = {}) {
  const gate = Promise.withResolvers<void>()
  let connections = 0
  const behaviour = { ...usually[stage], after: gate.promise, ...held }
  const upstream: Smarthost = await startSmarthost({
    certificate,
    offers,
    session: () => (connections++ === 0 ? { [stage]: behaviour } : {}),
  })
  const files = { user: 'relay', password: 'old', ca: certificate.ca }
  const bench = rig(oneSmarthost(upstream.port, rest), { files })
  const message = bench.spool.put(envelope(content), content).envelope
  await until(`it is at ${stage}`, () => upstream.times(stage) === 1)
  return { ...bench, upstream, files, message, open: gate.resolve }
}

const outcomes = ({ attempts }: Pick<ReturnType<typeof rig>, 'attempts'>) =>
  attempts.map((a) => [a.smarthost, a.attempt, a.outcome.kind])
const passwords = ({ lines }: Smarthost): readonly string[] =>
  lines
    .filter((line) => line.startsWith('AUTH PLAIN'))
    .map((line) => Buffer.from(line.slice(11), 'base64').toString('latin1'))

test.each(
  openings,
)('a reload that takes a smarthost away while it is at %s sends the mail the new way at once, as its first attempt', async (stage) => {
  const bench = await atStage(stage, { tls, auth })
  const next = await startSmarthost()
  bench.reload([route('default', [smarthost('next', next.port)])])
  bench.open()
  await bench.attempted(1)
  expect(outcomes(bench)).toEqual([['next', 1, 'delivered']])
  expect(bench.facts('smarthostEjected')).toEqual([])
  await until('the connection is closed', () => bench.upstream.open() === 0)
  expect([bench.upstream.received.length, bench.upstream.times('MAIL')]).toEqual([0, 0])
})

test.each(
  openings,
)('a reload that renews the login of a smarthost while it is at %s has the old one said no more', async (stage) => {
  const bench = await atStage(stage, { tls, auth })
  bench.reload(oneSmarthost(bench.upstream.port, { tls, auth }), {}, { ...bench.files, password: 'new' })
  bench.open()
  await bench.attempted(1)
  expect(outcomes(bench)).toEqual([['a', 1, 'delivered']])
  const before = stage === 'AUTH' ? ['\0relay\0old'] : []
  expect(passwords(bench.upstream)).toEqual([...before, '\0relay\0new'])
  expect(bench.upstream.received.map(({ connection }) => connection)).toEqual([2])
})

test.each(
  openings.slice(0, 3),
)('a reload that asks for verified TLS while a smarthost is at %s has nothing sent to it in clear', async (stage) => {
  const bench = await atStage(stage, { tls: { mode: 'Opportunistic' } })
  bench.reload(oneSmarthost(bench.upstream.port, { tls }))
  bench.open()
  await bench.attempted(1)
  expect(outcomes(bench)).toEqual([['a', 1, 'delivered']])
  expect(bench.facts('smarthostConnected')).toEqual([['a', 'TLSv1.3']])
  expect(bench.upstream.received.map(({ connection }) => connection)).toEqual([2])
})

test('a reload that takes a smarthost away in the handshake of TLS sends the mail the new way at once, and not in clear', async () => {
  const mute = await startSmarthost({ offers, script: { other: silence } })
  const next = await startSmarthost()
  const { spool, reload, ...bench } = rig(oneSmarthost(mute.port, { tls: { mode: 'Opportunistic' } }))
  spool.put(envelope(content), content)
  await until('it is in the handshake', () => mute.times('STARTTLS') === 1)
  reload([route('default', [smarthost('next', next.port)])])
  await bench.attempted(1)
  expect(outcomes(bench)).toEqual([['next', 1, 'delivered']])
  await until('the connection is closed', () => mute.open() === 0)
  expect(mute.connections()).toBe(1)
})

test.each(
  transactions,
)('a transaction that is at %s when a reload takes its smarthost away is finished, and the message goes nowhere else', async (stage) => {
  const bench = await atStage(stage, { tls, auth })
  const next = await startSmarthost()
  bench.reload([route('default', [smarthost('next', next.port)])])
  bench.open()
  await bench.attempted(1)
  await until('it has left the spool', () => bench.spool.stored.size === 0)
  expect(outcomes(bench)).toEqual([['a', 1, 'delivered']])
  expect([bench.upstream.received.length, next.received.length]).toEqual([1, 0])
  await until('the connection is closed', () => bench.upstream.open() === 0)
})

test.each([
  ...openings,
  ...transactions,
])('a delivery that is at %s when the relay is asked to end is finished', async (stage) => {
  const bench = await atStage(stage, { tls, auth })
  const closed = bench.delivery.close(20_000)
  bench.open()
  await closed
  expect(outcomes(bench)).toEqual([['a', 1, 'delivered']])
  expect([bench.upstream.received.length, bench.spool.stored.size]).toEqual([1, 0])
  await until('the connection is closed', () => bench.upstream.open() === 0)
})

test.each([
  ...openings,
  ...transactions.slice(0, 3),
])('a delivery that is at %s when the time of a relay is over was no attempt', async (stage) => {
  const bench = await atStage(stage, { tls, auth })
  await bench.delivery.close(0)
  expect(outcomes(bench)).toEqual([])
  expect(bench.facts('deferred')).toEqual([])
  expect(bench.spool.stored.get(bench.message.queueId)?.recipients).toMatchObject([{ state: 'pending', attempts: 0 }])
  await until('the connection is closed', () => bench.upstream.open() === 0)
})

test.each(
  openings.flatMap((stage) => [[stage, 'just before'] as const, [stage, 'after'] as const]),
)('a delivery at %s whose smarthost a reload takes away %s the relay is asked to end was no attempt: it waits for nothing when the next one starts (case S27)', async (stage, when) => {
  const bench = await atStage(stage, { tls, auth })
  const next = await startSmarthost()
  const reload = () => bench.reload([route('default', [smarthost('next', next.port)])])
  if (when === 'just before') reload()
  const closed = bench.delivery.close(20_000)
  if (when === 'after') reload()
  await closed
  expect([outcomes(bench), bench.facts('deferred')]).toEqual([[], []])
  const { recipients } = bench.spool.stored.get(bench.message.queueId) ?? {}
  expect(recipients).toMatchObject([{ state: 'pending', attempts: 0, nextAttemptAt: 0 }])
})

test.each([
  ['has not begun', {}],
  ['has begun', { says: Buffer.from('250 2.0.0 que'), after: Promise.resolve() }],
])('a delivery whose last reply %s when the time of a relay is over may have been taken, and that is counted', async (_what, held) => {
  const bench = await atStage('dot', { tls, auth }, held)
  await bench.delivery.close(0)
  expect(outcomes(bench)).toEqual([['a', 1, 'ambiguous']])
  expect(bench.spool.stored.get(bench.message.queueId)?.recipients).toMatchObject([
    { state: 'pending', attempts: 1, ambiguous: 1 },
  ])
})
