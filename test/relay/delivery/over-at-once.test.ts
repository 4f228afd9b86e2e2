/** Recipients whose time is over while their smarthost is left out: each has its own end, and none is forgotten. */
import { expect, test } from 'vitest'
import { wholeTurn } from '../../../relay/whole-turn.ts'
import { freePort } from '../../local/free-port.ts'
import { until } from '../../local/until.ts'
import { say } from './behaviour.ts'
import { MemorySpool, pending } from './memory-spool.ts'
import { rig } from './rig.ts'
import { contentOf, envelope, route, smarthost } from './samples.ts'
import { startSmarthost } from './smarthost.ts'

const content = contentOf(500)
const anything = { senderDomains: [], recipientDomains: [] }
const retry = { scheduleMs: [600_000], expireAfterMs: 3_600_000 }

test.each([
  [['a@dead.test', 'b@good.test']],
  [['b@good.test', 'a@dead.test']],
])('of %j, the one that is given up while the other is being tried is reported once, and then the message is gone (case S25)', async (forwardPaths) => {
  const gate = Promise.withResolvers<void>()
  const good = await startSmarthost({
    script: { dot: (time) => (time === 0 ? say('250 2.0.0 queued', { after: gate.promise }) : undefined) },
  })
  const bench = rig([
    route('dead', [smarthost('dead', await freePort())], {
      match: { ...anything, recipientDomains: ['dead.test'] },
      retry,
    }),
    route('good', [smarthost('good', good.port)], { retry }),
  ])
  bench.spool.put(envelope(content, { forwardPaths: ['first@dead.test'] }), content)
  await until('the dead smarthost is left out', () => bench.facts('smarthostEjected').length > 0)
  const over = Date.now() - 1.5 * retry.expireAfterMs
  const { queueId } = bench.spool.put(envelope(content, { forwardPaths, acceptedAt: over }), content).envelope
  await until('its DSN has arrived', () => good.received.length === 1)
  gate.resolve()
  await until('the spool has let it go', () => !bench.spool.stored.has(queueId))
  await bench.quiet()
  expect(bench.facts('bounced').map(([, forwardPath]) => forwardPath)).toEqual(['a@dead.test'])
  expect(bench.facts('finished').filter(([id]) => id === queueId)).toHaveLength(1)
  expect(good.received).toHaveLength(2)
})

test('of two that were to be tried one after the other, the second one has its turn, too, when the first was given up (case S25)', async () => {
  const good = await startSmarthost()
  const bench = rig([
    route('dead', [smarthost('dead', await freePort())], {
      match: { ...anything, credentials: ['team-a/web'] },
      retry,
    }),
    route('good', [smarthost('good', good.port)], { retry }),
  ])
  bench.spool.put(envelope(content), content)
  await until('the dead smarthost is left out', () => bench.facts('smarthostEjected').length > 0)
  // So many that what comes behind them is not in memory.
  for (let n = 0; n < 100; n += 1) bench.spool.put(envelope(content), content)
  const forwardPaths = ['first@example.net', 'second@example.net']
  const states = forwardPaths.map((forwardPath, i) => ({
    ...pending(forwardPath),
    attempts: 1,
    nextAttemptAt: Date.now() + 200 + 1500 * i,
  }))
  const over = Date.now() - 1.5 * retry.expireAfterMs
  const { queueId } = bench.spool.put(envelope(content, { forwardPaths, acceptedAt: over }), content, states).envelope
  await until('the spool has let it go', () => !bench.spool.stored.has(queueId))
  await until('both reports have arrived', () => good.received.length === 2)
  expect(bench.facts('bounced').map(([, forwardPath]) => forwardPath)).toEqual(forwardPaths)
})

test('whom a relay is about to give up when it is told to end, while the disk still reads the message, is left to the next one (case S25)', async () => {
  const gate = Promise.withResolvers<void>()
  let reads = 0
  class SlowSpool extends MemorySpool {
    override async load(handle: number) {
      reads += 1
      await gate.promise
      return super.load(handle)
    }
  }
  const bench = rig([route('dead', [smarthost('dead', await freePort())], { retry })], { spool: new SlowSpool() })
  bench.spool.put(envelope(content), content)
  await until('the dead smarthost is left out', () => bench.facts('smarthostEjected').length > 0)
  const over = Date.now() - 1.5 * retry.expireAfterMs
  bench.spool.put(envelope(content, { acceptedAt: over }), content)
  await until('it is read', () => reads > 0)
  await bench.delivery.close(0)
  gate.resolve()
  await wholeTurn()
  expect(bench.facts('bounced')).toEqual([])
})
