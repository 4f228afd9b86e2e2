/** Whether a reply asks all mail to the next hop to wait, or only one recipient whose mailbox is full or gets too much. */
import { expect, test } from 'vitest'
import type { Answer } from '../../../relay/delivery/answer.ts'
import { classifyTransaction } from '../../../relay/delivery/classify.ts'
import { decide } from '../../../relay/delivery/decide.ts'
import { afterAttempt, unproven } from '../../../relay/delivery/health.ts'
import { until } from '../../local/until.ts'
import { type Script, say } from './behaviour.ts'
import { deliver } from './one-message.ts'
import { oneSmarthost, rig } from './rig.ts'
import { envelope, hello, route, smarthost } from './samples.ts'
import { startSmarthost } from './smarthost.ts'

const hour = 3_600_000
const answered = (line: string): Answer => ({
  kind: 'reply',
  reply: { code: Number(line.slice(0, 3)), lines: line.split('\r\n').map((one) => one.slice(4)) },
})
const ok = answered('250 2.1.5 ok')
const dot = answered('250 2.0.0 queued')
const full = '452 4.2.2 <full@x.test> Quota exceeded (mailbox for user is full)'

/** What this reply to its last recipient makes of that one, whether the hop is paused, and when the recipient is tried next. */
function after(line: string, others: readonly Answer[]) {
  const rcpt = [...others, answered(line)]
  const outcomes = classifyTransaction({ mail: ok, rcpt, data: answered('354 go on'), dot }, rcpt.length)
  const outcome = outcomes.at(-1) ?? { kind: 'delivered', reply: { code: 250, status: '2.0.0', text: '' } }
  const pending = { reversePath: 'a@b.test', acceptedAt: 0, turns: 1 }
  const retry = { scheduleMs: [hour], expireAfterMs: 24 * hour }
  const decision = decide({ ...pending, retry }, outcome, 0, () => 0.5)
  return {
    outcome,
    paused: afterAttempt({ ...unproven, proven: true }, outcomes, 0).pausedUntil > 0,
    inMs: decision.do === 'retry' ? decision.at : undefined,
  }
}

test.each([
  ['a full mailbox', full, []],
  ['a full mailbox beside others', full, [ok]],
  ['a full mailbox whose status is in the second line', '452-Over quota\r\n452 4.2.2 <full@x.test> quota exceeded', []],
  [
    'a mailbox that gets too much',
    '450 4.2.1 the user receives mail at a rate that is limited: rate limit exceeded',
    [],
  ],
  ['a full mailbox without a status', '452 Mailbox quota exceeded', []],
  ['a mailbox that gets too much, without a status,', '450 rate limit exceeded for the inbox of <full@x.test>', []],
  ['an address with a limit of its own', '451 4.1.1 rate limit exceeded for this address', []],
  ['a quota that names nobody, where another recipient was taken,', '451 Quota exceeded', [ok]],
  ['a rate that names nobody, where another recipient was taken,', '450 rate limit exceeded', [ok]],
  [
    'a mailbox that gets too much, in the words of Exchange,',
    '432 4.2.0 STOREDRV.Deliver; recipient thread limit exceeded',
    [],
  ],
  ['a recipient for whom there is no room in this transaction', '452 4.5.3 Error: too many recipients', [ok]],
])('%s concerns one recipient: the hop is not paused, and the schedule holds', (_name, line, others) => {
  expect(after(line, others)).toMatchObject({
    outcome: { kind: 'deferred', scope: 'recipient' },
    paused: false,
    inMs: hour,
  })
})

test.each([
  ['by its status', '450 4.7.1 rate limit exceeded', []],
  ['by its status, also where others were taken before', '451 4.7.0 sending rate exceeded', [ok]],
  ['a system that takes no more', '452 4.3.2 Throttling failure', [ok]],
  ['a network that is full', '451 4.4.5 rate limited, rate limit reached', [ok]],
  ['by its text, where no recipient was taken', '450 rate limit exceeded', [answered('450 rate limit exceeded')]],
  ['a quota that names nobody, where no recipient was taken', '451 Quota exceeded', []],
  ['in the words of Postfix', '450 4.7.1 Error: too many recipients from 192.0.2.1', [ok]],
  [
    'in the words of Exchange Online',
    '451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77714)',
    [ok],
  ],
  ['in the words of Exchange Online for connections', '432 4.3.2 Concurrent connections limit exceeded.', [ok]],
  [
    'in the words of Exchange Online for a mailbox that sends',
    '432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded',
    [ok],
  ],
])('case U23: RCPT throttled (%s): the hop is paused, and asked again within ten minutes', (_name, line, others) => {
  expect(after(line, others)).toMatchObject({
    outcome: { kind: 'deferred', scope: 'message' },
    paused: true,
    inMs: 600_000,
  })
})

test('case U23: a smarthost that throttles is tried by one message, not by all that wait', async () => {
  const upstream = await startSmarthost({
    script: { MAIL: (time) => (time > 0 ? say('450 4.7.1 Error: too much mail from 192.0.2.1') : undefined) },
  })
  const began = Date.now()
  const { spool, delivery, attempts, attempted } = rig(oneSmarthost(upstream.port, { maxConnections: 1 }), {
    now: () => began,
  })
  for (let i = 0; i < 20; i++) spool.put(envelope(hello), hello)
  await attempted(2)
  await until('the smarthost is paused', () => delivery.smarthosts()[0]?.health === 'paused')
  expect(attempts).toHaveLength(2)
  expect(delivery.summary().ready).toBe(18)
})

test('case U23: what waits for a smarthost that throttles everything is returned when its time is over', async () => {
  const upstream = await startSmarthost({ script: { MAIL: say('450 4.7.1 Error: too much mail from 192.0.2.1') } })
  const began = { at: Date.now(), ms: performance.now() }
  // A minute takes 60 ms.
  const now = () => began.at + 1000 * (performance.now() - began.ms)
  const retry = { scheduleMs: [hour], expireAfterMs: hour / 3 }
  const routes = [route('r', [smarthost('a', upstream.port)], { retry })]
  const { spool, facts, attempts, reload } = rig(routes, { now })
  await until('the smarthost has throttled for long', () => {
    for (let n = 0; n < 20; n++) spool.put(envelope(hello, { acceptedAt: now() }), hello)
    return attempts.length >= 8 && spool.stored.size >= 200
  })
  const untried = spool.stored.size - attempts.length
  expect(untried).toBeGreaterThan(0)
  await until('all of those are returned', () => {
    // Timers know nothing of this clock, but a reload makes delivery look at it again.
    reload(routes)
    return facts('bounced').length >= untried
  })
  expect(attempts.length).toBeLessThan(untried)
})

test('case U23: while a smarthost has its day used up the backup takes what waits, and it is asked by one message at a time until it takes mail again', async () => {
  const [main, backup] = [await startSmarthost(), await startSmarthost()]
  let at = Date.now()
  const retry = { scheduleMs: [24 * hour], expireAfterMs: 240 * hour }
  const smarthosts = [smarthost('main', main.port), smarthost('backup', backup.port, { priority: 1 })]
  const routes = [route('r', smarthosts, { retry })]
  const { spool, facts, attempted, quiet, reload } = rig(routes, { now: () => at })
  const submit = (messages: number): void => {
    at += 10_000
    for (let n = 0; n < messages; n++) spool.put(envelope(hello, { acceptedAt: at }), hello)
    // Timers know nothing of this clock, but a reload makes delivery look at it again.
    reload(routes)
  }
  const submitOften = async (times: number): Promise<void> => {
    for (let n = 0; n < times; n++) {
      submit(5)
      await quiet()
    }
  }
  submit(1)
  await attempted(1)
  main.script.dot = say('454 Throttling failure: Daily message quota exceeded.')
  await until('the backup has mail', () => {
    submit(1)
    return backup.received.length > 0
  })
  await quiet()
  const [asked, had] = [main.times('dot'), backup.received.length]
  await submitOften(40)
  const refused = main.times('dot') - asked
  expect(refused).toBeGreaterThan(2)
  expect(refused).toBeLessThan(14)
  expect(backup.received.length - had).toBe(200 - refused)
  expect([facts('bounced'), facts('smarthostEjected')]).toEqual([[], []])
  delete main.script.dot
  await submitOften(10)
  const [back, instead] = [main.received.length, backup.received.length]
  await submitOften(10)
  expect([main.received.length - back, backup.received.length - instead]).toEqual([50, 0])
})

const dayIsOver = '550-5.4.5 Daily user sending limit exceeded.\r\n550 5.4.5 See our pages.'

test('case U23: a day that is used up, as Google tells by 550 5.4.5, returns no mail, and no more is sent for a while', async () => {
  const { outcomes, spool, message, facts, delivery } = await deliver({ script: { dot: say(dayIsOver) } })
  expect(outcomes).toMatchObject([{ kind: 'deferred', scope: 'message', reply: { code: 450, status: '4.4.5' } }])
  expect(facts('dsnQueued')).toEqual([])
  const [state] = spool.stored.get(message.queueId)?.recipients ?? []
  expect(state).toMatchObject({ state: 'pending', attempts: 1 })
  expect((state?.nextAttemptAt ?? 0) - Date.now()).toBeLessThanOrEqual(600_000)
  expect(delivery.smarthosts()).toMatchObject([{ health: 'paused' }])
})

test('the report of mail whose time was over before its smarthost had another day for it quotes what was said', async () => {
  const script: Script = { dot: (time) => (time === 0 ? say(dayIsOver) : undefined) }
  const { upstream } = await deliver({ script }, { acceptedAt: Date.now() - 86_460_000 })
  await until('the report has arrived', () => upstream.received.length > 0)
  const dsn = String(upstream.received[0]?.content)
  expect(dsn).toContain('\r\nStatus: 4.4.7\r\n')
  expect(dsn).toContain('\r\nDiagnostic-Code: smtp; 550-5.4.5 Daily user sending limit exceeded.')
})

test('a full mailbox holds up no other recipient', async () => {
  const toFull = (line: string): boolean => line.startsWith('RCPT TO:<full@')
  const upstream = await startSmarthost({
    script: {
      RCPT: (_, line) => (toFull(line) ? say(full) : undefined),
      DATA: (time) => say(time < 3 ? '503 no' : '354'),
    },
  })
  const { spool, delivery, attempts, attempted } = rig(oneSmarthost(upstream.port, { maxConnections: 1 }))
  for (let i = 0; i < 3; i++) spool.put(envelope(hello, { forwardPaths: ['full@x.test'] }), hello)
  await attempted(3)
  expect(delivery.smarthosts()).toMatchObject([{ health: 'healthy' }])
  const { queueId } = spool.put(envelope(hello, { credential: 'team-b/two' }), hello).envelope
  await until('the message is delivered', () => !spool.has(queueId))
  expect(attempts.map((a) => a.outcome.kind)).toEqual(['deferred', 'deferred', 'deferred', 'delivered'])
})

test('case U23: where one of two messages in flight is throttled and the other one taken, the hop is paused all the same', async () => {
  let throttledAt = 0
  let nextAt = 0
  const upstream = await startSmarthost({
    script: {
      MAIL: (time) => {
        if (time === 3) nextAt = performance.now()
        return undefined
      },
      dot: (time) => {
        if (time !== 1) return say('250 2.0.0 queued', { afterMs: time === 2 ? 50 : 0 })
        throttledAt = performance.now()
        return say('454 Throttling failure')
      },
    },
  })
  const { spool, attempted, attempts } = rig(oneSmarthost(upstream.port, { maxConnections: 2 }))
  spool.put(envelope(hello), hello)
  await attempted(1)
  for (let i = 0; i < 3; i++) spool.put(envelope(hello), hello)
  await attempted(4)
  expect(attempts.map((a) => a.outcome.kind)).toEqual(['delivered', 'deferred', 'delivered', 'delivered'])
  expect(nextAt - throttledAt).toBeGreaterThan(950)
})
