/** A message that needs what a smarthost does not offer is returned only where no other one of its route could take it. */
import { expect, test } from 'vitest'
import { capabilitiesOf } from '../../../relay/delivery/capabilities.ts'
import { until } from '../../local/until.ts'
import { liveBytes } from '../live-memory.ts'
import { drop } from './behaviour.ts'
import { without } from './one-message.ts'
import { rig } from './rig.ts'
import { contentOf, envelope, hello, route, smarthost } from './samples.ts'
import { startSmarthost } from './smarthost.ts'
import { startWorld } from './world.ts'

const eightBit = Buffer.from('From: <app@corp.test>\r\n\r\ngrüße\r\n')
/** An address at which nobody listens. */
const nobody = { host: '127.9.9.9' }

test.each([
  ['8BITMIME', without('8BITMIME'), eightBit, {}],
  ['SMTPUTF8', without('SMTPUTF8'), hello, { forwardPaths: ['grüße@example.net'] }],
  ['a SIZE that large', [...without('SIZE'), 'SIZE 1000'], contentOf(2000), {}],
] as const)('of two smarthosts of one priority, the one without %s returns no message that the other one takes', async (_name, offers, content, rest) => {
  const [unable, able] = [await startSmarthost({ offers }), await startSmarthost()]
  const { spool, facts, attempts } = rig([route('r', [smarthost('a', unable.port), smarthost('b', able.port)])])
  for (let i = 0; i < 4; i++) spool.put(envelope(content, rest), content)
  await until('all are delivered', () => spool.stored.size === 0)
  expect([able.received.length, unable.times('MAIL')]).toEqual([4, 0])
  expect(facts('bounced')).toEqual([])
  expect(new Set(attempts.map((a) => `${a.smarthost} ${a.outcome.kind}`))).toEqual(
    new Set(['a deferred', 'b delivered']),
  )
})

test('a message that no smarthost of its route can take is returned, with the reply of the last one', async () => {
  const hosts = [await startSmarthost({ offers: without('8BITMIME') }), await startSmarthost({ offers: [] })]
  const { spool, facts, attempted, quiet } = rig([
    route(
      'r',
      hosts.map(({ port }, i) => smarthost(`s${i}`, port)),
    ),
  ])
  spool.put(envelope(eightBit), eightBit)
  await attempted(2)
  await quiet()
  expect(facts('bounced').map(([, , because, reply]) => [because, reply])).toEqual([
    ['refused', '554 5.6.3 the content is 8-bit and the smarthost does not offer 8BITMIME'],
  ])
})

test.each([
  ['is not reached', nobody],
  ['fails', {}],
])('a backup that can not take a message does not return it while the primary smarthost %s', async (_name, rest) => {
  const main = await startSmarthost({ script: { banner: drop } })
  const backup = await startSmarthost({ offers: without('8BITMIME') })
  const hosts = [smarthost('main', main.port, rest), smarthost('backup', backup.port, { priority: 1 })]
  const { spool, facts, attempted, quiet, attempts } = rig([route('r', hosts)])
  for (let i = 0; i < 2; i++) spool.put(envelope(eightBit), eightBit)
  await attempted(3)
  await quiet()
  expect(facts('bounced')).toEqual([])
  expect(spool.stored.size).toBe(2)
  expect(attempts.filter((a) => a.smarthost === 'backup').map(({ outcome }) => outcome)).toMatchObject([
    { kind: 'deferred', reply: { code: 451, status: '4.6.3' } },
    { kind: 'deferred', reply: { code: 451, status: '4.6.3' } },
  ])
})

/** Sends mail that mx.a.test can not take to a.test, whose other exchanger, down.a.test, can not be reached. */
async function toExchangers(better: string, worse: string) {
  const table = {
    'a.test': [{ mx: [10, better] as const }, { mx: [20, worse] as const }],
    'down.a.test': [{ a: '127.9.9.9' }],
    'mx.a.test': [{ a: '127.0.7.1' }],
  }
  const world = await startWorld(table, { '127.0.7.1': { offers: without('8BITMIME') } })
  world.spool.put(envelope(eightBit, { forwardPaths: ['u@a.test'] }), eightBit)
  return world
}

test('a worse exchanger that can not take a message does not return it while the better one is not reached', async () => {
  const world = await toExchangers('down.a.test', 'mx.a.test')
  await world.attempted(2)
  await world.quiet()
  expect(world.facts('bounced')).toEqual([])
  expect(world.attempts[1]).toMatchObject({
    host: 'mx.a.test',
    outcome: { kind: 'deferred', reply: { status: '4.6.3' } },
  })
})

test('a message that the best exchanger can not take is returned without asking a worse one', async () => {
  const world = await toExchangers('mx.a.test', 'down.a.test')
  await world.attempted(1)
  expect(world.attempts[0]).toMatchObject({
    host: 'mx.a.test',
    outcome: { kind: 'bounced', reply: { status: '5.6.3' } },
  })
})

test.each([
  ['in lines of their own', ['AUTH PLAIN LOGIN', 'AUTH NTLM']],
  ['as before RFC 4954, too', ['AUTH NTLM', 'AUTH=PLAIN LOGIN']],
])('mechanisms of AUTH that are offered %s are all known', (_how, offers) => {
  expect(capabilitiesOf({ code: 250, lines: ['smarthost.test', ...offers] }).auth).toEqual(
    new Set(['PLAIN', 'LOGIN', 'NTLM']),
  )
})

test('of a reply to EHLO that is longer than any no more is kept than a server may offer (case U19)', () => {
  const word = (n: number): string => n.toString(36).padStart(3, '0')
  const long = Array.from({ length: 127 }, (_, line) => {
    const names = Array.from({ length: 500 }, (_, i) => word(500 * line + i))
    return `AUTH ${names.join(' ')}`
  })
  const before = liveBytes()
  const kept = Array.from({ length: 20 }, () =>
    capabilitiesOf({ code: 250, lines: ['x', 'AUTH PLAIN', 'SIZE 1000', ...long] }),
  )
  expect(liveBytes() - before).toBeLessThan(10_000_000)
  expect(kept.every(({ auth, size, extensions }) => auth.has('PLAIN') && size === 1000 && extensions === 129)).toBe(
    true,
  )
})
