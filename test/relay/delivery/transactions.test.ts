/** What a transaction sends, and what it makes of the replies: an outcome for each recipient, and content that is unchanged. */
import { Readable } from 'node:stream'
import { expect, test, vi } from 'vitest'
import { until } from '../../local/until.ts'
import { drop, reset, type Script, say } from './behaviour.ts'
import { MemorySpool } from './memory-spool.ts'
import { both, deliver, deliverTwo, without } from './one-message.ts'
import { allWithin, oneSmarthost, rig } from './rig.ts'
import { contentOf, envelope, hello } from './samples.ts'
import { everything, startSmarthost } from './smarthost.ts'

test.each(both)('a message arrives as it was accepted: %s', async (_name, offers) => {
  const { received, upstream, outcomes, spool, message, facts } = await deliver({ offers })
  expect(received).toEqual([
    {
      mail: `MAIL FROM:<app@corp.test> SIZE=${hello.length}`,
      rcpt: ['RCPT TO:<user@example.net>'],
      content: hello,
      connection: 1,
    },
  ])
  expect(upstream.lines[0]).toBe('EHLO relay.example.org')
  expect(outcomes).toMatchObject([{ kind: 'delivered', reply: { code: 250, status: '2.0.0', text: 'queued' } }])
  expect(spool.stored.size).toBe(0)
  expect(facts('finished')).toEqual([[message.queueId, expect.any(Number)]])
})

test.each(both)('case U05: each recipient has its own answer: %s', async (_name, offers) => {
  const answers: Record<string, string> = { b: '450 4.2.0 later', c: '550 5.1.1 unknown' }
  const script: Script = { RCPT: (_, line) => (answers[line[9] ?? ''] ? say(answers[line[9] ?? ''] ?? '') : undefined) }
  const forwardPaths = ['a@x.test', 'b@x.test', 'c@x.test', 'd@x.test']
  const { received, outcomes, spool, message, facts } = await deliver({ script, offers }, { forwardPaths })
  expect(outcomes.map((o) => [o.kind, o.reply.code])).toEqual([
    ['delivered', 250],
    ['deferred', 450],
    ['bounced', 550],
    ['delivered', 250],
  ])
  expect(received.map((r) => r.rcpt)).toEqual([['RCPT TO:<a@x.test>', 'RCPT TO:<d@x.test>']])
  expect(spool.stored.get(message.queueId)?.recipients.map((r) => r.state)).toEqual([
    'delivered',
    'pending',
    'bounced',
    'delivered',
  ])
  expect(facts('dsnQueued')).toHaveLength(1)
})

test.each(both)('case U06: where all recipients are refused, each is for its own reason: %s', async (_name, offers) => {
  const script: Script = {
    RCPT: (time) => say(time === 0 ? '450 4.2.0 later' : '550 5.1.1 unknown'),
    DATA: say('503 5.5.1 no'),
  }
  const { received, outcomes } = await deliver({ script, offers }, { forwardPaths: ['a@x.test', 'b@x.test'] })
  expect(outcomes).toMatchObject([
    { kind: 'deferred', scope: 'recipient', reply: { code: 450, text: 'later' } },
    { kind: 'bounced', reply: { code: 550, text: 'unknown' } },
  ])
  expect(received).toEqual([])
})

test('where all recipients are refused and DATA is answered 354 all the same, no content is sent, and the connection is closed', async () => {
  const script: Script = { RCPT: (time) => (time === 0 ? say('450 4.2.0 later') : undefined) }
  const { upstream, received, outcomes } = await deliver({ script })
  expect(outcomes).toMatchObject([{ kind: 'deferred', scope: 'recipient' }])
  expect(received).toEqual([])
  expect(upstream.times('dot')).toBe(0)
  await until('the connection is closed', () => upstream.open() === 0)
})

test('after a refusal the next message begins with RSET on the same connection', async () => {
  const upstream = await startSmarthost({
    script: {
      RCPT: (time) => (time === 0 ? say('450 4.2.0 later') : undefined),
      DATA: (time) => (time === 0 ? say('503 5.5.1 no') : undefined),
    },
  })
  const { outcomes } = await deliverTwo(upstream)
  expect(outcomes).toEqual(['deferred', 'delivered'])
  expect(upstream.connections()).toBe(1)
  expect(upstream.lines.filter((line) => line === 'RSET')).toHaveLength(1)
})

test.each(
  both,
)('case U17: a refusal of RSET refuses no message: a new connection is opened, and no attempt is charged: %s', async (_name, offers) => {
  const script: Script = {
    RCPT: (time) => (time === 0 ? say('450 4.2.0 later') : undefined),
    // In lockstep DATA is not sent where no recipient was taken.
    DATA: (time) => (time === 0 && offers === everything ? say('451 4.5.0 nobody') : undefined),
    RSET: say('550 5.7.1 not now'),
  }
  const upstream = await startSmarthost({ script, offers })
  const { spool, attempts, outcomes } = await deliverTwo(upstream)
  expect(outcomes).toEqual(['deferred', 'delivered'])
  expect(attempts.map((a) => spool.stored.get(a.queueId)?.recipients[0]?.attempts)).toEqual([1, undefined])
  expect([upstream.times('RSET'), upstream.connections(), upstream.received.length]).toEqual([1, 2, 1])
})

test.each([
  '250 2.0.0 ok',
  '220 ok',
  '334 go on',
])('case U08: where DATA is answered %s, not one octet of content is sent', async (answer) => {
  const { upstream, outcomes } = await deliver({ script: { DATA: say(answer) } })
  expect(outcomes).toMatchObject([{ kind: 'deferred', scope: 'nextHop' }])
  expect(upstream.lines.slice(-3)).toEqual([
    `MAIL FROM:<app@corp.test> SIZE=${hello.length}`,
    'RCPT TO:<user@example.net>',
    'DATA',
  ])
  await until('the connection is closed', () => upstream.open() === 0)
})

test('case U12: a message whose content is refused with 5yz bounces, with the text of the reply, made printable, in its DSN', async () => {
  const { outcomes, facts, spool, upstream } = await deliver({
    script: { dot: (time) => (time === 0 ? say('554 5.6.0 spam\x07\xe9') : undefined) },
  })
  expect(outcomes).toMatchObject([{ kind: 'bounced', reply: { code: 554, status: '5.6.0', text: 'spam???' } }])
  expect(facts('bounced')).toHaveLength(1)
  expect(upstream.received.map(({ content }) => String(content))).toEqual([
    expect.stringContaining('Diagnostic-Code: smtp; 554 5.6.0 spam???\r\n'),
  ])
  expect(spool.stored.size).toBe(0)
})

test.each([
  ['drop', drop],
  ['reset', reset],
])('case U13: a connection that is lost after the dot (%s) is neither a yes nor a no', async (_name, behaviour) => {
  const { outcomes, spool, message, facts } = await deliver({ script: { dot: behaviour } })
  expect(outcomes).toMatchObject([{ kind: 'ambiguous' }])
  expect(spool.stored.get(message.queueId)?.recipients).toMatchObject([{ state: 'pending', ambiguous: 1 }])
  expect(facts('bounced')).toEqual([])
  expect(facts('finished')).toEqual([])
})

test.each([
  ['250 in pieces of one octet', { dot: say('250 2.0.0 queued', { pieces: 1 }) }],
  ['250, then a reset', { dot: say('250 2.0.0 queued', { ends: 'reset' }) }],
  [
    'everything in pieces of one octet',
    {
      EHLO: say('250-x\r\n250 PIPELINING', { pieces: 1 }),
      MAIL: say('250 ok', { pieces: 1 }),
      DATA: say('354 go', { pieces: 1 }),
    },
  ],
  ['several lines', { dot: say('250-2.0.0 queued\r\n250 2.0.0 as 1') }],
] satisfies readonly (readonly [string, Script])[])('case U15: %s is one delivery', async (_name, script) => {
  const { outcomes, received, spool } = await deliver({ script })
  expect(outcomes.map((o) => o.kind)).toEqual(['delivered'])
  expect(received).toHaveLength(1)
  expect(spool.stored.size).toBe(0)
})

const large = contentOf(20_000_000)

test.each([
  ['drop', drop],
  ['reset', reset],
])('case U16: a message whose connection is lost in the middle of the content (%s) is deferred, and can not have arrived', async (_name, behaviour) => {
  const offers = without('SIZE')
  const { outcomes, upstream } = await deliver(
    { offers, script: { content: behaviour }, contentOctets: 65_536 },
    {},
    large,
  )
  expect(outcomes).toMatchObject([{ kind: 'deferred', scope: 'nextHop' }])
  expect(upstream.times('dot')).toBe(0)
})

test.each([
  ['552', 'bounced', '552 5.3.4 too big'],
  ['452', 'deferred', '452 4.3.1 no room'],
  ['250', 'deferred', '250 2.0.0 thanks'],
  ['half a reply', 'deferred', Buffer.from('250-')],
])('case U16: after %s before the dot no more is sent, and the message is %s', async (_name, kind, answer) => {
  const offers = without('SIZE')
  const { outcomes, upstream, facts } = await deliver(
    { offers, script: { content: say(answer) }, contentOctets: 65_536 },
    {},
    contentOf(5_000_000),
  )
  expect(outcomes.map((o) => o.kind)).toEqual([kind])
  expect(upstream.times('dot')).toBe(facts('dsnQueued').length)
  expect(facts('dsnQueued')).toHaveLength(kind === 'bounced' ? 1 : 0)
})

test('large content arrives unchanged, dots and all', async () => {
  const content = Buffer.from(`Subject: x\r\n\r\n${'.\r\n..\r\n.a\r\n'.repeat(60_000)}`)
  const { outcomes, received } = await deliver({ offers: without('SIZE') }, {}, content)
  expect(outcomes.map((o) => o.kind)).toEqual(['delivered'])
  expect(received[0]?.content.equals(content)).toBe(true)
})

test.each([
  ['200 MB without a line end', Buffer.alloc(200_000_000, 'x')],
  ['endless continuation lines', Buffer.from('250-x\r\n'.repeat(3_000_000))],
])('case U19: after a reply of %s mail is deferred, and little memory was used', async (_name, flood) => {
  const before = process.memoryUsage().rss
  const { outcomes } = await deliver({ script: { MAIL: say(flood) } })
  expect(outcomes).toMatchObject([{ kind: 'deferred', scope: 'nextHop' }])
  expect(process.memoryUsage().rss - before).toBeLessThan(64_000_000)
})

test('case U23: a smarthost that throttles is asked again within ten minutes, and nothing bounces', async () => {
  const throttling = '454 Throttling failure: Maximum sending rate exceeded.'
  const { outcomes, spool, message } = await deliver({ script: { dot: say(throttling) } })
  expect(outcomes).toMatchObject([{ kind: 'deferred', scope: 'message', reply: { code: 454, status: '4.0.0' } }])
  const [state] = spool.stored.get(message.queueId)?.recipients ?? []
  expect(state).toMatchObject({ state: 'pending', attempts: 1 })
  const waitMs = (state?.nextAttemptAt ?? 0) - Date.now()
  expect(waitMs).toBeGreaterThan(0)
  expect(waitMs).toBeLessThanOrEqual(600_000)
})

test.each([
  ['452', '452 4.5.3 too many'],
  ['552 in the meaning of RFC 821', '552 too many'],
  ['431 of Courier', '431 Too many recipients.'],
  ['531 of Courier', '531 Too many recipients.'],
  ['another code, and the status for it', '550 5.5.3 Too many recipients for this message'],
])('recipients beyond the limit of a smarthost (%s) follow at once in a second transaction', async (_name, answer) => {
  const script: Script = { RCPT: (time) => (time === 2 ? say(answer) : undefined) }
  const forwardPaths = ['a@x.test', 'b@x.test', 'c@x.test']
  const { received, outcomes, spool } = await deliver({ script }, { forwardPaths })
  expect(received.map((r) => r.rcpt.length)).toEqual([2, 1])
  expect(outcomes.map((o) => o.kind)).toEqual(['delivered', 'delivered', 'deferred', 'delivered'])
  expect(spool.stored.size).toBe(0)
})

test('531 that speaks of something else is a refusal', async () => {
  const { outcomes } = await deliver({ script: { RCPT: say('531 Message refused.') } })
  expect(outcomes).toMatchObject([{ kind: 'bounced', reply: { code: 531 } }])
})

test.each([
  ['552 5.2.2 mailbox full', '5.2.2'],
  ['552 mailbox full', '5.0.0'],
])('%s, said of one who is alone, is a refusal (case U05)', async (text, status) => {
  const { outcomes } = await deliver({ script: { RCPT: (time) => (time === 0 ? say(text) : undefined) } })
  expect(outcomes).toMatchObject([{ kind: 'bounced', reply: { code: 552, status } }])
})

test('552 without a status, said of one whose mailbox is full, beside another who is taken, is a refusal when it is said of that one alone', async () => {
  const script: Script = { RCPT: (_, line) => (line.includes('full@') ? say('552 mailbox full') : undefined) }
  const { received, facts } = await deliver({ script }, { forwardPaths: ['full@x.test', 'b@x.test'] })
  expect(received.map((r) => r.rcpt)).toContainEqual(['RCPT TO:<b@x.test>'])
  expect(facts('bounced')).toHaveLength(1)
})

test.each(['MAIL', 'RCPT', 'DATA'] as const)('530 at %s asks for our login, and refuses no message', async (stage) => {
  const { outcomes } = await deliver({ script: { [stage]: say('530 5.7.0 authentication required') } })
  expect(outcomes).toMatchObject([{ kind: 'deferred', scope: 'nextHop', reply: { status: '4.7.8' } }])
})

test.each([
  '535 5.7.8 authentication failed',
  '538 5.7.11 encryption is needed for that',
  '538 encryption is needed for that',
])('%s, at MAIL, is about our login, too, and refuses no message', async (text) => {
  const { outcomes } = await deliver({ script: { MAIL: say(text) } })
  expect(outcomes).toMatchObject([{ kind: 'deferred', scope: 'nextHop', reply: { status: '4.7.8' } }])
})

test('530 for one recipient beside one that was taken concerns that recipient, and the smarthost is not left out', async () => {
  const script: Script = {
    RCPT: (_, line) => (line.includes('b@') ? say('530 5.7.1 authentication required') : undefined),
  }
  const upstream = await startSmarthost({ script })
  const { spool, delivery, attempts, attempted } = rig(oneSmarthost(upstream.port))
  spool.put(envelope(hello, { forwardPaths: ['a@x.test', 'b@x.test'] }), hello)
  await attempted(2)
  expect(attempts.map((a) => a.outcome)).toMatchObject([
    { kind: 'delivered' },
    { kind: 'deferred', scope: 'recipient', reply: { status: '4.7.8' } },
  ])
  expect(delivery.smarthosts()).toMatchObject([{ health: 'healthy' }])
})

// Courier's codes are statuses without their dots: its 534 means 5.3.4. Of others, 534 is about a login (RFC 4954 section 6).
test.each([
  ['a message', { MAIL: say('534 SIZE=Message too big.') }],
  ['a header', { dot: say('534 Message header size exceeds policy limit.') }],
] as const)('case U02: %s that is too big for Courier is returned, and nobody else waits for it', async (_what, script) => {
  const upstream = await startSmarthost({ script })
  const { spool, delivery, attempts, attempted } = rig(oneSmarthost(upstream.port))
  spool.put(envelope(hello), hello)
  await attempted(1)
  expect(attempts[0]?.outcome).toMatchObject({ kind: 'bounced', reply: { code: 534 } })
  expect(delivery.smarthosts()).toMatchObject([{ health: 'healthy' }])
})

test('case U22: 534 about a mechanism of AUTH is no refusal of the message', async () => {
  const { outcomes } = await deliver({ script: { MAIL: say('534 5.7.9 authentication mechanism is too weak') } })
  expect(outcomes).toMatchObject([{ kind: 'deferred', scope: 'nextHop', reply: { status: '4.7.8' } }])
})

test('case U21: where more than 50 recipients are refused at the content, as by Amazon SES, 250 are delivered in five transactions', async () => {
  const asked: number[] = []
  const script: Script = {
    MAIL: () => void asked.splice(0),
    RCPT: (nth) => void asked.push(nth),
    dot: () => (asked.length > 50 ? say('554 Transaction failed: Recipient count exceeds 50.') : undefined),
  }
  const forwardPaths = Array.from({ length: 250 }, (_, i) => `u${i}@x.test`)
  const upstream = await startSmarthost({ script })
  const { spool, attempts, attempted } = rig(oneSmarthost(upstream.port, { maxConnections: 1 }))
  spool.put(envelope(hello, { forwardPaths }), hello)
  await attempted(250)
  expect(upstream.received.map((r) => r.rcpt.length)).toEqual([50, 50, 50, 50, 50])
  expect(attempts.every(({ outcome }) => outcome.kind === 'delivered')).toBe(true)
})

/** A message waits for what is wrong here: that is no attempt, and no word about the smarthost. */
function expectNobodyAsked({ attempts, facts, delivery }: Pick<Bench, 'attempts' | 'facts' | 'delivery'>): void {
  expect(attempts).toEqual([])
  expect(facts('deferred').map(([, , , reply]) => reply)).toEqual([expect.stringMatching(/^451 4\.3\.0 /)])
  expect(delivery.smarthosts()).toMatchObject([{ health: 'unproven' }])
}
type Bench = ReturnType<typeof rig>

test.each([
  ['a bare LF', Buffer.from('Subject: x\r\n\r\na\nb\r\n')],
  ['NUL', Buffer.from('Subject: x\r\n\r\na\0b\r\n')],
  ['a bare LF far inside', Buffer.concat([contentOf(200_000), Buffer.from('a\nb\r\n')])],
  ['half a line end at the very end', Buffer.concat([contentOf(200_000), Buffer.from('a\r')])],
])('damaged content (%s) never leaves, and waits', async (_name, content) => {
  const { upstream, spool, message, ...told } = await deliver({}, {}, content)
  expectNobodyAsked(told)
  expect(upstream.lines).not.toContain('DATA')
  expect(spool.has(message.queueId)).toBe(true)
})

test('content that is damaged while it is sent ends the connection, so that what follows is not taken for a part of it', async () => {
  const upstream = await startSmarthost()
  const spool = new MemorySpool()
  const { attempted, attempts } = rig(oneSmarthost(upstream.port, { maxConnections: 1 }), { spool })
  const good = contentOf(200_000)
  const { queueId } = spool.put(envelope(good), good).envelope
  const stored = spool.stored.get(queueId)
  let reads = 0
  spool.content = (id) => {
    // The content is read twice: it is checked first, and then sent.
    if (id === queueId && ++reads === 2 && stored)
      stored.content = Buffer.concat([good.subarray(0, -2), Buffer.from('x\r')])
    return MemorySpool.prototype.content.call(spool, id)
  }
  await attempted(1)
  spool.put(envelope(hello), hello)
  await attempted(2)
  expect(attempts.map((a) => a.outcome.kind)).toEqual(['deferred', 'delivered'])
  expect(upstream.received.map((r) => r.content.length)).toEqual([hello.length])
})

test.each([
  ['small', 1000],
  ['large', 200_000],
])('content that is shorter than what was accepted (%s) never leaves', async (_name, octets) => {
  const { upstream, ...told } = await deliver({}, { bytes: octets + 10 }, contentOf(octets))
  expectNobodyAsked(told)
  expect(upstream.times('MAIL')).toBe(0)
})

test.each([
  ['cannot be read', (spool: MemorySpool) => void spool.broken.add('content')],
  [
    'is closed before its end',
    (spool: MemorySpool) => void vi.spyOn(spool, 'content').mockImplementation(() => new Readable().destroy()),
  ],
])('a message whose content %s waits', async (_how, breaks) => {
  const upstream = await startSmarthost()
  const spool = new MemorySpool()
  breaks(spool)
  const { settled, ...told } = rig(oneSmarthost(upstream.port), { spool })
  await settled(spool.put(envelope(hello), hello).envelope)
  expectNobodyAsked(told)
})

test('each reply has its own deadline', async () => {
  const late = { afterMs: 250 }
  const script: Script = {
    MAIL: say('250 2.1.0 ok', late),
    RCPT: say('250 2.1.5 ok', late),
    DATA: say('354 go ahead', late),
    dot: say('250 2.0.0 queued', late),
  }
  const { outcomes } = await deliver({ script }, {}, hello, allWithin(600))
  expect(outcomes.map((o) => o.kind)).toEqual(['delivered'])
})

test('452 for every recipient is a deferral, not a reason to go on at once', async () => {
  const script: Script = { RCPT: say('452 4.5.3 too many'), DATA: say('503 5.5.1 no recipients') }
  const { outcomes, spool, message } = await deliver({ script })
  expect(outcomes).toMatchObject([{ kind: 'deferred', scope: 'recipient' }])
  expect(spool.stored.get(message.queueId)?.recipients).toMatchObject([{ state: 'pending', attempts: 1 }])
})
