/** Recipients of one message whose time is over in the same moment: one at a smarthost that is left out, one that is being tried. */
import { expect, test } from 'vitest'
import { freePort } from '../../local/free-port.ts'
import { until } from '../../local/until.ts'
import { say } from './behaviour.ts'
import { rig } from './rig.ts'
import { contentOf, envelope, route, smarthost } from './samples.ts'
import { startSmarthost } from './smarthost.ts'

const content = contentOf(500)
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
      match: { senderDomains: [], recipientDomains: ['dead.test'] },
      retry,
    }),
    route('good', [smarthost('good', good.port)], { retry }),
  ])
  bench.spool.put(envelope(content, { forwardPaths: ['first@dead.test'] }), content)
  await until('the dead smarthost is left out', () => bench.facts('smarthostEjected').length > 0)
  const over = Date.now() - 2 * retry.expireAfterMs
  const { queueId } = bench.spool.put(envelope(content, { forwardPaths, acceptedAt: over }), content).envelope
  await until('its DSN has arrived', () => good.received.length === 1)
  gate.resolve()
  await until('the spool has let it go', () => !bench.spool.stored.has(queueId))
  await bench.quiet()
  expect(bench.facts('bounced').map(([, forwardPath]) => forwardPath)).toEqual(['a@dead.test'])
  expect(bench.facts('finished').filter(([id]) => id === queueId)).toHaveLength(1)
  expect(good.received).toHaveLength(2)
})
