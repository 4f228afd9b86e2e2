/** When the wall clock is set while mail waits, nothing waits longer or shorter for that, now or after a restart (case S23). */
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
/** Longer than mail may wait, and no longer than a relay may have been stopped. */
const sixDays = 6 * 1440 * minute
const steps = [...far, ['half an hour ahead', 30 * minute], ['half an hour behind', -30 * minute]] as const
const away = say('421 4.3.2 away', { ends: 'drop' })
const fiveDays = 5 * 1440 * minute

/** A smarthost that is away, and a relay whose wall clock can be set. */
async function start({ wrongBy = 0, scheduleMs = [100], expireAfterMs = fiveDays } = {}) {
  const upstream = await startSmarthost({ script: { banner: away } })
  const clock = { wrongBy }
  const wall = (): number => Date.now() + clock.wrongBy
  const routes = [route('r', [smarthost('a', upstream.port)], { retry: { scheduleMs, expireAfterMs } })]
  const run = (spool: MemorySpool) => rig(routes, { spool, now: wall, monotonic: () => performance.now() })
  const spool = new MemorySpool()
  const relay = run(spool)
  return {
    ...relay,
    upstream,
    clock,
    /** Puts a message into the spool that is due from its acceptance on, as all that was never tried. */
    accept: (agoMs = 0) => {
      const message = envelope(hello, { acceptedAt: wall() - agoMs })
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

test.concurrent.each(
  steps,
)('case S23: new mail and mail that waits is delivered while the clock is %s, and when it is right again', async (_name, by) => {
  const { spool, facts, clock, accept, comeBack, delivery } = await start()
  accept()
  await until('the smarthost is left out', () => facts('smarthostEjected').length === 1)
  clock.wrongBy = by
  accept()
  await until('a probe has failed', () => facts('smarthostEjected').length === 2)
  comeBack()
  await until('both are delivered while the clock is wrong', () => spool.stored.size === 0)
  clock.wrongBy = 0
  accept()
  await until('one is delivered with the clock right again', () => spool.stored.size === 0)
  expect(facts('bounced')).toEqual([])
  expect(facts('finished').map(([, seconds]) => Number(seconds) < 3600)).toEqual([true, true, true])
  expect(delivery.smarthosts()).toMatchObject([{ health: 'healthy' }])
})

test.concurrent.each(
  far,
)('case S23: a smarthost that was left out while the clock was %s is used again in time', async (_name, by) => {
  const { spool, facts, clock, accept, comeBack, delivery } = await start()
  clock.wrongBy = by
  accept()
  await until('the smarthost is left out', () => facts('smarthostEjected').length === 1)
  clock.wrongBy = 0
  const [{ ejectedUntil = '' } = {}] = delivery.smarthosts()
  expect(Math.abs(Date.parse(ejectedUntil) - Date.now())).toBeLessThan(minute)
  comeBack()
  accept()
  await until('all are delivered', () => spool.stored.size === 0)
  expect(facts('bounced')).toEqual([])
})

test.concurrent.each(
  far,
)('case S23: the age of the oldest message is right while the clock is %s, and when the clock is right again', async (_name, by) => {
  const { clock, accept, delivery, quiet } = await start({ scheduleMs: [minute] })
  const begun = performance.now()
  const age = () => delivery.summary().oldestSeconds
  const isTrue = () => expect(age()).toBeLessThanOrEqual(1 + (performance.now() - begun) / 1000)
  accept()
  await quiet()
  for (const wrongBy of [by, 0]) {
    clock.wrongBy = wrongBy
    const before = age()
    isTrue()
    accept()
    isTrue()
    await until('the age grows', () => age() > before)
  }
})

test.concurrent.each(
  far,
)('case S23: the age of the oldest message is told also when another one came while the clock was %s', async (_name, by) => {
  const { clock, accept, delivery } = await start({ scheduleMs: [minute] })
  accept(10 * minute)
  for (const wrongBy of [by, 0]) {
    clock.wrongBy = wrongBy
    accept()
    expect(delivery.summary().oldestSeconds).toBeGreaterThan(599)
    expect(delivery.summary().oldestSeconds).toBeLessThan(660)
  }
})

test.concurrent('case S23: a clock that is set ahead does not shorten the time that a smarthost is left out', async () => {
  const { facts, clock, accept, attempted } = await start()
  accept()
  await until('the smarthost is left out', () => facts('smarthostEjected').length === 1)
  const since = performance.now()
  clock.wrongBy = 30 * minute
  accept()
  await attempted(2)
  expect(performance.now() - since).toBeGreaterThan(900)
})

test.concurrent.each(
  steps,
)('case S23: mail that was accepted while the clock was %s does not expire when the clock is right again', async (_name, by) => {
  const { facts, clock, accept, upstream } = await start()
  upstream.script.banner = say('220 smarthost.test ESMTP')
  upstream.script.RCPT = say('450 4.2.0 later')
  clock.wrongBy = by
  accept()
  clock.wrongBy = 0
  await until('the message is tried twice', () => facts('deferred').length + facts('bounced').length >= 2)
  expect(facts('bounced')).toEqual([])
})

test.concurrent.each(
  steps,
)('case S23: mail that was deferred while the clock was %s keeps its time over a restart', async (_name, by) => {
  const { spool, clock, accept, comeBack, facts, quiet, restart } = await start({ scheduleMs: [minute] })
  accept()
  await until('the message is deferred', () => facts('deferred').length === 1)
  clock.wrongBy = by
  accept()
  await until('the other is deferred', () => facts('deferred').length === 2)
  await quiet()
  clock.wrongBy = 0
  const next = await restart()
  expect(next.delivery.summary()).toMatchObject({ ready: 0, deferred: 2 })
  for (const { recipients } of spool.stored.values()) {
    const wait = (recipients[0]?.nextAttemptAt ?? 0) - Date.now()
    expect(wait).toBeGreaterThan(minute / 2)
    expect(wait).toBeLessThanOrEqual(minute)
  }
  comeBack()
  accept()
  await until('what is new is delivered', () => spool.stored.size === 2)
})

test.concurrent.each(
  far,
)('case S23: mail that was deferred by a relay which had started with the clock %s is due after a restart', async (_name, wrongBy) => {
  const { spool, clock, accept, comeBack, facts, quiet, restart } = await start({ wrongBy, scheduleMs: [60 * minute] })
  accept()
  await until('the message is deferred', () => facts('deferred').length === 1)
  await quiet()
  clock.wrongBy = 0
  comeBack()
  const next = await restart()
  await until('the message is delivered', () => spool.stored.size === 0)
  expect(next.facts('bounced')).toEqual([])
})

test.concurrent('case S23: a message whose time in the spool is further ahead than any back-off is due, and any other is waited for', async () => {
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
  await until('one message is left', () => spool.stored.size === 1 && delivery.summary().deferred === 1)
  const [left] = spool.stored.values()
  await until(
    'one recipient is left',
    () => left?.recipients.map((r) => r.state).join() === 'delivered,delivered,pending',
  )
  expect(delivery.summary()).toMatchObject({ ready: 0, deferred: 1, inFlight: 0 })
})

test.concurrent('case S23: who never had a turn is tried at once after a restart, also beside one who waits, and whatever time the clock said', async () => {
  const upstream = await startSmarthost()
  const spool = new MemorySpool()
  const [waits, untried] = [pending('waits@x.test'), pending('untried@x.test')]
  const states = [
    { ...waits, attempts: 1, nextAttemptAt: Date.now() + 60 * minute },
    { ...untried, nextAttemptAt: Date.now() + 50 * minute },
  ]
  spool.put(envelope(hello, { forwardPaths: states.map(({ forwardPath }) => forwardPath) }), hello, states)
  const { attempted, attempts } = rig([route('r', [smarthost('a', upstream.port)])], { spool })
  await attempted(1)
  expect(attempts.map((one) => [one.forwardPath, one.outcome.kind])).toEqual([['untried@x.test', 'delivered']])
})

test.concurrent.each([
  ...steps,
  ['six days behind', -sixDays] as const,
])('case S23: mail that was accepted while the clock was %s does not expire after a restart with the clock right again', async (_name, by) => {
  const { upstream, clock, accept, facts, quiet, restart } = await start()
  upstream.script.banner = say('220 smarthost.test ESMTP')
  upstream.script.RCPT = say('450 4.2.0 later')
  clock.wrongBy = by
  accept()
  await until('the message is deferred', () => facts('deferred').length > 0)
  await quiet()
  clock.wrongBy = 0
  const next = await restart()
  await until('the message is tried twice', () => next.facts('deferred').length + next.facts('bounced').length >= 2)
  expect(next.facts('bounced')).toEqual([])
})

test.concurrent.each([
  ...far,
  ['two hours ahead', 120 * minute],
  ['two hours behind', -120 * minute],
  ['half an hour ahead', 30 * minute],
  ['half an hour behind', -30 * minute],
  ['two minutes ahead', 2 * minute],
  ['two minutes behind', -2 * minute],
] as const)('case S23: mail that came before the clock was set %s, meanwhile and afterwards is returned when its time is over, and not before', async (_name, by) => {
  const { clock, accept, facts, comeBack, upstream } = await start({ expireAfterMs: 2000 })
  comeBack()
  upstream.script.RCPT = say('450 4.2.0 later')
  const begun: number[] = []
  for (const wrongBy of [0, by, 0]) {
    clock.wrongBy = wrongBy
    accept()
    begun.push(performance.now())
    await until('the message is tried', () => facts('deferred').length >= 3 * begun.length)
  }
  clock.wrongBy = by
  for (const since of begun) {
    const isOver = () => facts('bounced').length > begun.indexOf(since)
    await until('the message is returned', isOver)
    expect(performance.now() - since).toBeGreaterThan(1900)
  }
  expect(facts('clockStepped').length).toBe(3)
})

test.concurrent.each(
  far,
)('case S23: with no smarthost there, mail that came while the clock was %s is returned when its time is over, and not before', async (_name, by) => {
  const { clock, accept, facts } = await start({ expireAfterMs: 2000 })
  clock.wrongBy = by
  accept()
  const since = performance.now()
  accept()
  clock.wrongBy = 0
  await until('both are returned', () => facts('bounced').length === 2)
  expect(performance.now() - since).toBeGreaterThan(1900)
})

test.concurrent.each(far)('case S23: a relay that starts with the clock %s lets no mail expire', async (_name, by) => {
  const { upstream, clock, accept, facts, quiet, restart } = await start()
  upstream.script.banner = say('220 smarthost.test ESMTP')
  upstream.script.RCPT = say('450 4.2.0 later')
  accept()
  await until('the message is deferred', () => facts('deferred').length > 0)
  await quiet()
  clock.wrongBy = by
  const next = await restart()
  await until('the message is tried twice', () => next.facts('deferred').length + next.facts('bounced').length >= 2)
  expect(next.facts('bounced')).toEqual([])
})

test.concurrent.each([
  ['ten years ahead', tenYears, { RCPT: say('450 4.2.0 later') }],
  ['ten years behind', -tenYears, { RCPT: say('450 4.2.0 later') }],
  ['six days behind', -sixDays, { RCPT: say('450 4.2.0 later') }],
  ['six days behind, with nobody there', -sixDays, { banner: away }],
  ['ten years behind, with nobody there', -tenYears, { banner: away }],
])('case S23: mail that was accepted by a clock %s has all of its time from the start of the relay on', async (_name, by, script) => {
  const { port } = await startSmarthost({ script })
  const retry = { scheduleMs: [100], expireAfterMs: 2000 }
  const spool = new MemorySpool()
  spool.put(envelope(hello, { acceptedAt: Date.now() + by }), hello)
  const begun = performance.now()
  const { facts } = rig([route('r', [smarthost('a', port)], { retry })], { spool })
  await until('the message has expired', () => facts('bounced').length === 1)
  expect(performance.now() - begun).toBeGreaterThan(1900)
})

test.concurrent('case S23: mail that came before the clock was set more often than is remembered is returned when its time is over, and not before', async () => {
  const { clock, accept, facts, comeBack, upstream, delivery } = await start({
    expireAfterMs: 10 * minute + 2000,
  })
  comeBack()
  upstream.script.RCPT = say('450 4.2.0 later')
  const since = performance.now()
  accept(10 * minute)
  for (let n = 1; n <= 20; n += 1) {
    clock.wrongBy = n % 2 === 0 ? 0 : 30 * minute
    delivery.summary()
  }
  expect(facts('clockStepped').length).toBe(20)
  await until('the message is returned', () => facts('bounced').length > 0)
  expect(performance.now() - since).toBeGreaterThan(1900)
})
