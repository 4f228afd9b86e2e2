/** A wall clock that is set while mail waits: nothing waits longer or shorter for it, now or after a restart (case S23). */
import { expect, test } from 'vitest'
import { until } from '../../local/until.ts'
import { say } from './behaviour.ts'
import { MemorySpool, pending } from './memory-spool.ts'
import { rig } from './rig.ts'
import { envelope, hello, route, smarthost } from './samples.ts'
import { startSmarthost } from './smarthost.ts'

const minute = 60_000
const tenYears = 10 * 365 * 1440 * minute
const far = [
  ['ten years ahead', tenYears],
  ['ten years behind', -tenYears],
] as const
const away = say('421 4.3.2 away', { ends: 'drop' })
const fiveDays = 5 * 1440 * minute

/** A smarthost that is away, and a relay whose wall clock can be set. */
async function start({ wrongBy = 0, scheduleMs = [100] } = {}) {
  const upstream = await startSmarthost({ script: { banner: away } })
  const clock = { wrongBy }
  const wall = (): number => Date.now() + clock.wrongBy
  const routes = [route('r', [smarthost('a', upstream.port)], { retry: { scheduleMs, expireAfterMs: fiveDays } })]
  const run = (spool: MemorySpool) => rig(routes, { spool, now: wall, monotonic: () => performance.now() })
  const spool = new MemorySpool()
  const relay = run(spool)
  return {
    ...relay,
    upstream,
    clock,
    /** Due at its acceptance, as all that was never tried. */
    accept: () => {
      const message = envelope(hello, { acceptedAt: wall() })
      const states = message.forwardPaths.map((path) => ({ ...pending(path), nextAttemptAt: message.acceptedAt }))
      spool.put(message, hello, states)
    },
    comeBack: () => {
      upstream.script.banner = say('220 smarthost.test ESMTP')
    },
    restart: async () => {
      await relay.delivery.close(0)
      return run(spool)
    },
  }
}

test.each(
  far,
)('case S23: what a relay deferred that started with the clock %s is due after a restart', async (_name, wrongBy) => {
  const { spool, clock, accept, comeBack, facts, quiet, restart } = await start({ wrongBy, scheduleMs: [60 * minute] })
  accept()
  await until('it is deferred', () => facts('deferred').length === 1)
  await quiet()
  clock.wrongBy = 0
  comeBack()
  const next = await restart()
  await until('it is delivered', () => spool.stored.size === 0)
  expect(next.facts('bounced')).toEqual([])
})

test('case S23: a time in the spool that no back-off reaches is due; one that a back-off reaches is waited for', async () => {
  const upstream = await startSmarthost()
  const spool = new MemorySpool()
  const forwardPaths = ['a@x.test', 'b@x.test', 'c@x.test']
  const at = (n: number, ms: number) => ({
    ...pending(forwardPaths[n] ?? ''),
    attempts: 1,
    nextAttemptAt: Date.now() + ms,
  })
  spool.put(envelope(hello, { forwardPaths }), hello, [at(0, 200), at(1, tenYears), at(2, 60 * minute)])
  spool.put(envelope(hello, { forwardPaths: ['d@x.test'] }), hello, [at(0, tenYears)])
  const ahead = Date.now() + 30 * minute
  spool.put(envelope(hello, { acceptedAt: ahead }), hello, [{ ...pending('e@x.test'), nextAttemptAt: ahead }])
  const { delivery } = rig([route('r', [smarthost('a', upstream.port)])], { spool })
  await until('one is left', () => spool.stored.size === 1 && delivery.summary().deferred === 1)
  const [left] = spool.stored.values()
  await until(
    'one recipient is left',
    () => left?.recipients.map((r) => r.state).join() === 'delivered,delivered,pending',
  )
  expect(delivery.summary()).toMatchObject({ ready: 0, deferred: 1, inFlight: 0 })
})
