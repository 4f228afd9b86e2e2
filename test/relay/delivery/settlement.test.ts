/** What becomes of each recipient, and when the spool is told: each is delivered or reported once, and none is lost. */
import { expect, test } from 'vitest'
import type { RecipientState } from '../../../relay/mail/envelope.ts'
import { until } from '../../local/until.ts'
import { drop, type Script, say } from './behaviour.ts'
import { MemorySpool, pending } from './memory-spool.ts'
import { oneSmarthost, rig } from './rig.ts'
import { envelope, hello, route, smarthost } from './samples.ts'
import { startSmarthost } from './smarthost.ts'

const quick = { retry: { scheduleMs: [20], expireAfterMs: 60_000 } }
const perRecipient = (answers: Record<string, (time: number) => string | undefined>): Script => {
  const times = new Map<string, number>()
  return {
    RCPT: (_, line) => {
      const who = line[9] ?? ''
      const time = times.get(who) ?? 0
      times.set(who, time + 1)
      const answer = answers[who]?.(time)
      return answer === undefined ? undefined : say(answer)
    },
  }
}
const dsns = (spool: MemorySpool) => [...spool.stored.values()].filter((s) => s.envelope.reports !== undefined)
/** Refuses DSNs for now, so that they stay in the spool, where a test can look at them. */
const keepDsns: Script = { MAIL: (_, line) => (line.startsWith('MAIL FROM:<>') ? say('450 4.3.0 later') : undefined) }

test('a deferred recipient is tried again, and only that one', async () => {
  const upstream = await startSmarthost({
    script: perRecipient({ b: (time) => (time < 3 ? '450 4.2.0 later' : undefined) }),
  })
  const { spool, attempts, quiet, attempted, facts } = rig([route('r', [smarthost('a', upstream.port)], quick)])
  const message = envelope(hello, { forwardPaths: ['a@x.test', 'b@x.test'] })
  spool.put(message, hello)
  await attempted(5)
  await quiet()
  expect(attempts.map((a) => [a.forwardPath, a.attempt, a.outcome.kind])).toEqual([
    ['a@x.test', 1, 'delivered'],
    ['b@x.test', 1, 'deferred'],
    ['b@x.test', 2, 'deferred'],
    ['b@x.test', 3, 'deferred'],
    ['b@x.test', 4, 'delivered'],
  ])
  expect(spool.log.map((line) => line.split(' ')[0])).toEqual(['record', 'record', 'record', 'remove'])
  expect(facts('deferred')).toHaveLength(3)
  expect(facts('finished')).toHaveLength(1)
})

test('after a lost answer the message is tried again, and the possible duplicate is counted', async () => {
  const upstream = await startSmarthost({ script: { dot: (time) => (time < 2 ? drop : undefined) } })
  const { spool, attempts, attempted, quiet } = rig([route('r', [smarthost('a', upstream.port)], quick)])
  const recorded: RecipientState[] = []
  const { queueId } = spool.put(envelope(hello), hello).envelope
  spool.before = () => void recorded.push(...(spool.stored.get(queueId)?.recipients ?? []))
  await attempted(3)
  await quiet()
  expect(attempts.map((a) => a.outcome.kind)).toEqual(['ambiguous', 'ambiguous', 'delivered'])
  expect(recorded.at(-1)).toMatchObject({ ambiguous: 2, attempts: 2 })
})

test('the state of a recipient in the spool has few octets, however long the reply of its next hop', async () => {
  const refusal = `550 5.1.1 ${'no '.repeat(150)}`
  const upstream = await startSmarthost({ script: perRecipient({ a: () => refusal, b: () => '450 4.2.0 later' }) })
  const { spool, facts } = rig([route('r', [smarthost('a', upstream.port)])])
  const { queueId } = spool.put(envelope(hello, { forwardPaths: ['a@x.test', 'b@x.test'] }), hello).envelope
  await until('the outcome is recorded', () => spool.log.includes(`record ${queueId}`))
  expect(spool.stored.get(queueId)?.recipients.map((r) => [r.state, JSON.stringify(r).length < 120])).toEqual([
    ['bounced', true],
    ['pending', true],
  ])
  expect(facts('deferred')).toEqual([[queueId, 'b@x.test', expect.any(Number), '450 4.2.0 later']])
  expect(facts('bounced')[0]?.at(-1)).toContain('no no no')
})

test('recipients that fail in one attempt are in one DSN, which is in the spool before they are closed', async () => {
  const script = { ...perRecipient({ a: () => '550 5.1.1 no', c: () => '550 5.1.1 no' }), ...keepDsns }
  const upstream = await startSmarthost({ script })
  const { spool, attempted, quiet, facts, delivery } = rig([route('r', [smarthost('a', upstream.port)])])
  const message = envelope(hello, { forwardPaths: ['a@x.test', 'b@x.test', 'c@x.test'] })
  spool.put(message, hello)
  await attempted(4)
  await quiet()
  const [dsn, ...more] = dsns(spool)
  expect(more).toEqual([])
  expect(dsn?.envelope).toMatchObject({
    reversePath: '',
    forwardPaths: ['app@corp.test'],
    credential: 'mail/shared',
    disposition: 'relay',
    fromDomain: 'relay.example.org',
    body: '7BIT',
    reports: { queueId: message.queueId, forwardPaths: ['a@x.test', 'c@x.test'] },
  })
  const id = dsn?.envelope.queueId ?? ''
  expect(id).toMatch(/^[0-9a-z]{10,16}$/)
  expect(spool.log.slice(0, 3)).toEqual([`receive ${id}`, `commit ${id}`, `remove ${message.queueId}`])
  expect(facts('bounced')).toHaveLength(2)
  expect(facts('dsnQueued')).toEqual([[message.queueId, id]])
  expect(delivery.summary()).toMatchObject({ deferred: 1, ready: 0, inFlight: 0 })
})

test('case S26: a report that can not be delivered is discarded, and reported to nobody', async () => {
  const upstream = await startSmarthost({ script: { RCPT: say('550 5.1.1 no') } })
  const { spool, attempted, quiet, facts } = rig([route('r', [smarthost('a', upstream.port)])])
  const message = envelope(hello, { reversePath: '' })
  spool.put(message, hello)
  await attempted(1)
  await quiet()
  expect(spool.stored.size).toBe(0)
  expect(facts('discarded')).toEqual([[message.queueId, 'it has the null reverse-path']])
  expect(facts('dsnQueued')).toEqual([])
})

test('a report that can not be delivered to some of its recipients only is logged as discarded, too', async () => {
  const upstream = await startSmarthost({ script: perRecipient({ b: () => '550 5.1.1 no' }) })
  const { spool, attempted, quiet, facts } = rig([route('r', [smarthost('a', upstream.port)])])
  const message = envelope(hello, { reversePath: '', forwardPaths: ['a@x.test', 'b@x.test'] })
  spool.put(message, hello)
  await attempted(2)
  await quiet()
  expect(facts('discarded')).toEqual([[message.queueId, 'it has the null reverse-path']])
})

test('a DSN that bounces is discarded, and makes no other one', async () => {
  const upstream = await startSmarthost({ script: { RCPT: say('550 5.1.1 no') } })
  const { spool, attempted, quiet, facts } = rig([route('r', [smarthost('a', upstream.port)])])
  spool.put(envelope(hello), hello)
  await attempted(2)
  await quiet()
  expect(spool.stored.size).toBe(0)
  expect(facts('dsnQueued')).toHaveLength(1)
  expect(facts('discarded')).toHaveLength(1)
})

test('case S25: at the end of its time a message is given up with one DSN', async () => {
  const upstream = await startSmarthost({
    script: { RCPT: (_, line) => (line.includes('x.test') ? say('450 4.2.0 later') : undefined), ...keepDsns },
  })
  const minute = 60_000
  let passed = 0
  const { spool, facts, attempted } = rig(
    [route('r', [smarthost('a', upstream.port)], { retry: { scheduleMs: [30], expireAfterMs: minute } })],
    { now: () => Date.now() + passed, monotonic: () => performance.now() + passed },
  )
  const message = envelope(hello, { forwardPaths: ['a@x.test', 'b@x.test'] })
  spool.put(message, hello)
  await attempted(4)
  passed = minute
  await until('the message is given up', () => !spool.has(message.queueId))
  expect(facts('bounced').map(([, forwardPath, kind]) => [forwardPath, kind])).toEqual([
    ['a@x.test', 'expired'],
    ['b@x.test', 'expired'],
  ])
  expect(dsns(spool)).toHaveLength(1)
})

test('mail that waits for a dead smarthost expires, too', async () => {
  const hosts = [smarthost('a', 1, { host: '127.9.9.9' })]
  const { spool, facts } = rig([route('r', hosts, { retry: { scheduleMs: [20], expireAfterMs: 150 } })])
  for (let i = 0; i < 10; i++) spool.put(envelope(hello, { reversePath: '' }), hello)
  await until('all are given up', () => spool.stored.size === 0, 20_000)
  expect(facts('bounced')).toHaveLength(10)
})

test('a DSN on mail that was given up because of other mail quotes what the smarthost said of that, without the address in it', async () => {
  const reply = '421 4.3.2 <board@customer.test>: Recipient address rejected: try again later'
  const upstream = await startSmarthost({ script: { RCPT: say(reply, { ends: 'drop' }) } })
  const [hour, at] = [3_600_000, Date.now()]
  // Time stands still, so that the smarthost stays left out.
  const { spool, attempted, facts } = rig(
    [route('r', [smarthost('a', upstream.port)], { retry: { scheduleMs: [hour], expireAfterMs: hour } })],
    { now: () => at, monotonic: () => 0 },
  )
  spool.put(envelope(hello, { forwardPaths: ['board@customer.test'] }), hello)
  await attempted(1)
  const late = { credential: 'team-b/shop', acceptedAt: at - hour, forwardPaths: ['user@x.test'] }
  const { queueId } = spool.put(envelope(hello, late), hello).envelope
  await until('the message is given up', () => !spool.has(queueId))
  const [dsn] = dsns(spool)
  const why =
    '421 4.3.2 every next hop is left out for a while, since other mail failed there: <***>: Recipient address rejected'
  expect(String(dsn?.content).replaceAll('\r\n ', ' ')).toContain(`Diagnostic-Code: X-Relayfleet; ${why}`)
  expect(JSON.stringify(facts('bounced'))).not.toContain('board')
  expect(String(dsn?.content)).not.toContain('board')
})

test('case S23: a clock that jumps ten years ahead makes nothing expire', async () => {
  const upstream = await startSmarthost({ script: { RCPT: say('450 4.2.0 later') } })
  let jump = 0
  const { spool, attempted, quiet, facts } = rig([route('r', [smarthost('a', upstream.port)])], {
    now: () => Date.now() + jump,
    monotonic: () => performance.now(),
  })
  const tenYears = 10 * 365 * 86_400_000
  jump = tenYears
  for (let i = 0; i < 5; i++) spool.put(envelope(hello), hello)
  await attempted(5)
  await quiet()
  expect(facts('bounced')).toEqual([])
  expect(spool.stored.size).toBe(5)
  // The step is told once, by an event of its own, and not as an unexpected error.
  expect(facts('clockStepped')).toEqual([[tenYears / 1000]])
  expect(facts('unexpected')).toEqual([])
})

test('case S06: after a restart only recipients that are pending are tried', async () => {
  const upstream = await startSmarthost()
  const spool = new MemorySpool()
  const forwardPaths = ['a@x.test', 'b@x.test', 'c@x.test']
  const states: RecipientState[] = [
    { ...pending('a@x.test'), state: 'delivered' },
    { ...pending('b@x.test'), state: 'bounced' },
    pending('c@x.test'),
  ]
  spool.put(envelope(hello, { forwardPaths }), hello, states)
  const { attempted, quiet } = rig([route('r', [smarthost('a', upstream.port)])], { spool })
  await attempted(1)
  await quiet()
  expect(upstream.received.map((r) => r.rcpt)).toEqual([['RCPT TO:<c@x.test>']])
  expect(spool.stored.size).toBe(0)
})

test('after a restart the next attempt is at its time', async () => {
  const upstream = await startSmarthost()
  const spool = new MemorySpool()
  const at = Date.now() + 200
  spool.put(envelope(hello), hello, [{ ...pending('user@example.net'), attempts: 2, nextAttemptAt: at }])
  const { attempted, attempts, delivery } = rig([route('r', [smarthost('a', upstream.port)])], { spool })
  expect(delivery.summary()).toMatchObject({ ready: 0, deferred: 1 })
  await attempted(1)
  expect(Date.now()).toBeGreaterThanOrEqual(at)
  expect(attempts[0]?.attempt).toBe(3)
})

test('a message that was done, and not yet removed when the process died, is removed and not tried', async () => {
  const upstream = await startSmarthost()
  const spool = new MemorySpool()
  spool.put(envelope(hello), hello, [{ ...pending('user@example.net'), state: 'delivered' }])
  rig([route('r', [smarthost('a', upstream.port)])], { spool })
  await until('the message has left the queue', () => spool.stored.size === 0)
  expect(upstream.connections()).toBe(0)
})

test('case S25: after a kill between a DSN and the closing of the recipients that it reports there is one DSN', async () => {
  const script = { ...perRecipient({ a: () => '550 5.1.1 no' }), ...keepDsns }
  const upstream = await startSmarthost({ script })
  const routes = [route('r', [smarthost('a', upstream.port)])]
  const first = rig(routes)
  const message = envelope(hello, { forwardPaths: ['a@x.test', 'b@x.test'] })
  // The disk as a crash leaves it: the DSN is there, and nothing after it.
  first.spool.before = (operation) =>
    operation === 'record' || operation === 'remove' ? new Promise(() => {}) : undefined
  first.spool.put(message, hello)
  await until('the DSN is queued', () => dsns(first.spool).length === 1)
  expect(first.spool.stored.get(message.queueId)?.recipients.map((r) => r.state)).toEqual(['pending', 'pending'])
  const { spool, quiet, facts } = rig(routes, { spool: first.spool.reopened() })
  await until('the message is done', () => !spool.has(message.queueId))
  await quiet()
  expect(dsns(spool)).toHaveLength(1)
  expect(facts('bounced')).toEqual([])
})

test('a DSN is not delivered before its original is closed: a crash between would make another', async () => {
  const upstream = await startSmarthost({ script: perRecipient({ n: () => '550 5.1.1 no' }) })
  const { spool, facts } = rig([route('r', [smarthost('a', upstream.port, { maxConnections: 1 })])])
  const closing = Promise.withResolvers<void>()
  spool.before = (operation) => (operation === 'remove' ? closing.promise : undefined)
  spool.put(envelope(hello, { forwardPaths: ['n@x.test'] }), hello)
  await until('the DSN is queued', () => facts('dsnQueued').length === 1)
  // On the only connection the DSN would go before this message, which comes after it.
  spool.put(envelope(hello), hello)
  await until('a later message is received', () => upstream.received.length === 1)
  closing.resolve()
  await until('the DSN is received', () => upstream.received.length === 2)
  expect(upstream.received.map(({ mail }) => mail.startsWith('MAIL FROM:<>'))).toEqual([false, true])
})

test('a message whose last recipient is done while the DSN of another is written leaves the queue once', async () => {
  const [refusing, taking] = await Promise.all([
    startSmarthost({ script: perRecipient({ a: () => '550 5.1.1 no' }) }),
    startSmarthost(),
  ])
  const { spool, attempted, quiet, facts } = rig([
    route('refusing', [smarthost('a', refusing.port)], { match: { senderDomains: [], recipientDomains: ['x.test'] } }),
    route('taking', [smarthost('b', taking.port)]),
  ])
  spool.before = async (operation) => {
    if (operation !== 'receive') return
    await attempted(2)
    await new Promise(setImmediate)
  }
  const message = envelope(hello, { forwardPaths: ['a@x.test', 'b@y.test'] })
  spool.put(message, hello)
  await until('the message is done', () => !spool.has(message.queueId))
  await quiet()
  expect(facts('finished').filter(([queueId]) => queueId === message.queueId)).toHaveLength(1)
  expect(spool.log.filter((line) => line === `remove ${message.queueId}`)).toHaveLength(1)
})

test.each([
  'remove',
  'record',
] as const)('while the spool cannot %s what was delivered is known in memory, and nothing is delivered twice', async (operation) => {
  const upstream = await startSmarthost({
    script: perRecipient({ b: (time) => (operation === 'record' && time === 0 ? '450 4.2.0 later' : undefined) }),
  })
  const spool = new MemorySpool()
  spool.broken.add(operation)
  const { attempted, attempts } = rig([route('r', [smarthost('a', upstream.port)], quick)], {
    spool,
    repeatMs: 20,
  })
  let writes = 0
  spool.before = () => {
    writes += 1
  }
  spool.put(envelope(hello, { forwardPaths: ['a@x.test', 'b@x.test'] }), hello)
  await attempted(operation === 'record' ? 3 : 2)
  await until('the outcome was written, or tried again and again', () => spool.stored.size === 0 || writes > 5)
  spool.broken.clear()
  await until('the spool has recorded all', () => spool.stored.size === 0)
  expect(attempts.filter((a) => a.outcome.kind === 'delivered').map((a) => a.forwardPath)).toEqual([
    'a@x.test',
    'b@x.test',
  ])
})

test.each([
  'receive',
  'commit',
] as const)('a DSN that cannot be queued (%s) is queued once later, and until then its recipient stays pending on disk', async (operation) => {
  const upstream = await startSmarthost({ script: { ...perRecipient({ a: () => '550 5.1.1 no' }), ...keepDsns } })
  const spool = new MemorySpool()
  spool.broken.add(operation)
  const { attempted, attempts } = rig([route('r', [smarthost('a', upstream.port)], quick)], {
    spool,
    repeatMs: 20,
  })
  const message = envelope(hello, { forwardPaths: ['a@x.test', 'b@x.test'] })
  spool.put(message, hello)
  await attempted(2)
  const states = () => spool.stored.get(message.queueId)?.recipients.map((r) => r.state)
  await until('the outcome is recorded', () => states()?.includes('delivered'))
  expect(states()).toEqual(['pending', 'delivered'])
  spool.broken.clear()
  await until('the message is done', () => !spool.has(message.queueId))
  expect(dsns(spool)).toHaveLength(1)
  expect(attempts.filter((a) => a.forwardPath === 'a@x.test')).toHaveLength(1)
})

test('a report that finds no room for an hour says when the last attempt was, and not when it found room (RFC 3464 section 2.3.7)', async () => {
  const upstream = await startSmarthost({ script: { ...perRecipient({ a: () => '550 5.1.1 no' }), ...keepDsns } })
  const spool = new MemorySpool()
  spool.broken.add('receive')
  let tries = 0
  spool.before = (operation) => {
    if (operation === 'receive') tries += 1
  }
  const attemptedAt = Date.UTC(2026, 10, 23, 12)
  let at = attemptedAt
  rig(oneSmarthost(upstream.port), { spool, repeatMs: 20, now: () => at })
  spool.put(envelope(hello, { forwardPaths: ['a@x.test'], acceptedAt: attemptedAt - 60_000 }), hello)
  await until('the report finds no room', () => tries > 0)
  at += 3_600_000
  const before = tries
  // One that was made before the hour may still be tried.
  await until('it was made anew since', () => tries > before + 1)
  spool.broken.clear()
  await until('the report is queued', () => dsns(spool).length === 1)
  const report = String(dsns(spool)[0]?.content)
  expect(report).toContain('\r\nLast-Attempt-Date: Mon, 23 Nov 2026 12:00:00 +0000\r\n')
  expect(report).toContain('\r\nDate: Mon, 23 Nov 2026 13:00:00 +0000\r\n')
})

test('a message that the spool has set aside as damaged is forgotten, without a retry or a DSN', async () => {
  const upstream = await startSmarthost()
  const reads: string[] = []
  class ReadSpool extends MemorySpool {
    override content(queueId: string) {
      reads.push(queueId)
      return super.content(queueId)
    }
  }
  const spool = new ReadSpool()
  const { delivery, quiet, facts } = rig([route('r', [smarthost('a', upstream.port)], quick)], { spool })
  const { queueId } = spool.put(envelope(hello), hello).envelope
  spool.stored.delete(queueId)
  await until('its content is missed', () => reads.includes(queueId))
  await quiet()
  expect(delivery.summary()).toEqual({ ready: 0, deferred: 0, inFlight: 0, oldestSeconds: 0 })
  expect([...facts('deferred'), ...facts('bounced'), ...facts('dsnQueued')]).toEqual([])
})
