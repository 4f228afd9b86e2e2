/** A reply that no command asked for is not taken for the answer to another command, in this transaction or the next one. */
import { expect, test } from 'vitest'
import { until } from '../../local/until.ts'
import { type Script, say, silence } from './behaviour.ts'
import { both, deliver, deliverTwo } from './one-message.ts'
import { allWithin, oneSmarthost, rig } from './rig.ts'
import { envelope, hello } from './samples.ts'
import { startSmarthost } from './smarthost.ts'

test.each([
  ['the recipient behind it', { 0: '550 5.1.1 unknown' }],
  ['all recipients', { 1: '550 5.1.1 unknown\r\n354 go ahead' }],
])('after one reply too many nobody bounces by a refusal that seems to be for %s', async (_name, refused) => {
  const answers: Readonly<Record<number, string>> = refused
  const script: Script = {
    MAIL: (time) => (time === 0 ? say('250 2.1.0 ok\r\n250 2.1.0 ok') : undefined),
    RCPT: (time) => (answers[time] === undefined ? undefined : say(answers[time])),
    // What it would say came in one read with the reply before it.
    DATA: (time) => (time === 0 ? silence : undefined),
  }
  const { outcomes } = await deliver({ script }, { forwardPaths: ['a@x.test', 'b@x.test'] })
  expect(outcomes.slice(0, 2)).toMatchObject([
    { kind: 'deferred', scope: 'nextHop', reply: { code: 451, status: '4.5.0' } },
    { kind: 'deferred', scope: 'nextHop', reply: { code: 451, status: '4.5.0' } },
  ])
})

test.each([
  ['a whole reply', '354 go\r\n250 2.0.0 queued\r\n'],
  ['a part of one', '354 go\r\n25'],
  ['a refusal', '354 go\r\n550 5.7.1 no\r\n'],
])('a reply that came with 354 (%s) is no answer to the content', async (_name, octets) => {
  const { upstream, outcomes, received } = await deliver({ script: { DATA: say(Buffer.from(octets)) } })
  expect(outcomes).toMatchObject([{ kind: 'deferred', scope: 'nextHop' }])
  expect(received).toEqual([])
  expect(upstream.times('dot')).toBe(0)
})

test('a 250 too many moves no later reply up, so that it never becomes a delivery', async () => {
  const script: Script = { MAIL: say('250 ok\r\n250 stray'), DATA: say('354 go'), dot: say('554 5.7.1 refused') }
  const { outcomes, received } = await deliver({ script })
  expect(outcomes).toMatchObject([{ kind: 'deferred', scope: 'nextHop' }])
  expect(received).toEqual([])
})

test('a stray reply behind the final one ends the connection, and does not change what became of the message', async () => {
  const upstream = await startSmarthost({ script: { dot: say('250 2.0.0 queued\r\n250 stray') } })
  const { outcomes } = await deliverTwo(upstream)
  expect(outcomes).toEqual(['delivered', 'delivered'])
  expect(upstream.received.map((r) => r.connection)).toEqual([1, 2])
})

const outOfStep = { kind: 'deferred', scope: 'nextHop', reply: { code: 451, status: '4.5.0' } }

test.each(
  both.flatMap(([name, offers]) => [
    ['comes late', name, offers, say('354 go ahead', { afterMs: 50 })] as const,
    ['never comes', name, offers, silence] as const,
  ]),
)('after one reply too many, where the last one %s, no refusal is believed: %s', async (_when, _name, offers, last) => {
  const script: Script = {
    MAIL: (time) => (time === 0 ? say('250 2.1.0 ok\r\n250 2.1.0 ok', { pieces: 14 }) : undefined),
    // By then the first recipient seems to be taken, and what refuses the second one seems to refuse DATA.
    RCPT: (time) => (time === 1 ? say('550 5.1.1 unknown') : undefined),
    DATA: (time) => (time === 0 ? last : undefined),
    EHLO: (time) => (time === 1 && last === silence ? silence : undefined),
  }
  const to = { forwardPaths: ['a@x.test', 'b@x.test'] }
  const { outcomes, upstream, spool } = await deliver({ script, offers }, to, hello, allWithin(1000))
  const notYet = { kind: 'deferred', scope: 'nextHop' }
  expect(outcomes.slice(0, 2)).toMatchObject([notYet, notYet])
  expect(upstream.received).toEqual([])
  expect(spool.stored.size).toBe(1)
})

test.each([
  ['never comes', silence],
  ['never ends', say(Buffer.from('250-2.1.5 ok\r\n'))],
])('where a reply %s, so that 354 seems to be for a recipient, no refusal is believed', async (_what, first) => {
  const script: Script = { RCPT: (time) => [first, undefined, say('550 5.1.1 unknown')][time] }
  const to = { forwardPaths: ['a@x.test', 'b@x.test', 'c@x.test'] }
  const { outcomes, upstream, spool } = await deliver({ script }, to, hello, allWithin(1000))
  expect(outcomes.slice(0, 3)).toMatchObject([outOfStep, outOfStep, outOfStep])
  expect(upstream.received).toEqual([])
  expect(spool.stored.size).toBe(1)
})

test.each(
  both,
)('where a recipient is refused and DATA never answered, it is not known which recipient was refused, and none bounces: %s', async (_name, offers) => {
  // There may have been one reply too many: then the refusal was for the next recipient, or for nobody.
  const script: Script = { RCPT: (time) => (time === 0 ? say('550 5.1.1 unknown') : undefined), DATA: silence }
  const to = { forwardPaths: ['a@x.test', 'b@x.test'] }
  const { outcomes, spool } = await deliver({ script, offers }, to, hello, allWithin(1000))
  expect(outcomes).toMatchObject([
    { kind: 'deferred', scope: 'nextHop', reply: { status: '4.4.2' } },
    { kind: 'deferred', scope: 'nextHop', reply: { status: '4.4.2' } },
  ])
  expect(spool.stored.size).toBe(1)
})

const answered = [
  ['MAIL', '250 2.1.0 ok'],
  ['MAIL', '550 5.7.1 no'],
  ['RCPT', '250 2.1.5 ok'],
  ['RCPT', '450 4.2.0 later'],
  ['RCPT', '550 5.1.1 unknown'],
] as const

test.each(
  (['in one read', 'in two'] as const).flatMap((when) =>
    answered.map(([stage, reply]) => [stage, reply, when] as const),
  ),
)('without PIPELINING nobody is given up by a stray refusal before the reply to %s (%s), %s', async (stage, reply, when) => {
  const script: Script = {
    [stage]: (time: number) => {
      if (time > 0) return undefined
      if (when === 'in one read') return say(`550 5.7.1 stray\r\n${reply}`)
      upstream.tell('550 5.7.1 stray\r\n')
      return say(reply, { afterMs: 50 })
    },
    DATA: (time) => (time === 0 && !reply.startsWith('250') ? say('503 5.5.1 no recipients') : undefined),
  }
  const upstream = await startSmarthost({ script, offers: [] })
  const { spool, attempted, attempts, facts } = rig(oneSmarthost(upstream.port))
  spool.put(envelope(hello), hello)
  await attempted(1)
  expect(attempts[0]?.outcome).toMatchObject(outOfStep)
  expect(facts('dsnQueued')).toEqual([])
  expect(upstream.received).toEqual([])
})

test.each([
  ['of every recipient', { RCPT: '550 5.1.1 unknown', DATA: '554 5.5.1 no recipients' }, 'bounced'],
  ['of every recipient for now', { RCPT: '450 4.2.0 later', DATA: '554 5.5.1 no recipients' }, 'deferred'],
  ['of DATA', { DATA: '554 5.7.1 no' }, 'bounced'],
] as const)('after a refusal %s, a stray reply in a later read does not count for the next message', async (_name, says, kind) => {
  for (const stray of ['250 2.0.0 stray', '550 5.0.0 stray', '354 stray', 'stray']) {
    const first = (text: string | undefined) => (time: number) =>
      time === 0 && text !== undefined ? say(text) : undefined
    const upstream = await startSmarthost({
      script: { RCPT: first('RCPT' in says ? says.RCPT : undefined), DATA: first(says.DATA) },
    })
    const { spool, attempted, attempts } = rig(oneSmarthost(upstream.port, { maxConnections: 1 }))
    const one = spool.put(envelope(hello, { reversePath: '' }), hello).envelope
    // The stray reply comes while the next message is on its way.
    await until('DATA was refused', () => upstream.times('DATA') === 1)
    const next = spool.put(envelope(hello, { forwardPaths: ['a@x.test', 'b@x.test'] }), hello).envelope
    setImmediate(() => upstream.tell(`${stray}\r\n`))
    await attempted(3)
    const outcomes = (id: string) => attempts.filter((a) => a.queueId === id).map((a) => a.outcome.kind)
    expect([kind, 'deferred']).toContain(outcomes(one.queueId)[0])
    await until('the next one is delivered', () => outcomes(next.queueId).includes('delivered'))
    expect(outcomes(next.queueId)).not.toContain('bounced')
    expect(upstream.received.filter((r) => r.rcpt.length === 2)).toHaveLength(1)
  }
})

test.each([
  '550 5.7.1 stray',
  '450 4.7.1 stray',
  '550 5.1.1 <a@x.test> unknown\r\n550 5.1.1 <b@x.test> unknown',
])('a refusal of the content (%s) with a yes right behind it counts as neither: the message may have arrived', async (stray) => {
  const { outcomes, spool } = await deliver({ script: { dot: say(`${stray}\r\n250 2.0.0 queued`) } })
  expect(outcomes).toMatchObject([{ kind: 'ambiguous', reply: { code: 451, status: '4.5.0' } }])
  expect(spool.stored.size).toBe(1)
})

test.each([
  '550 5.1.1 <b@x.test> unknown',
  '452 4.2.2 <b@x.test> full',
  '250 2.0.0 <b@x.test> ok\r\n550 5.1.1 <c@x.test> unknown',
  '250 2.0.0 <b@x.test> ok\r\n250 2.0.0 <c@x.test> ok\r\n452 4.2.2 <d@x.test> full\r\n250 2.0.0 <e@x.test> ok',
])('a yes to the content with %s right behind it, as from a server that answers for each recipient, counts as neither: it may not have arrived', async (second) => {
  const script: Script = { dot: (time) => (time === 0 ? say(`250 2.0.0 <a@x.test> ok\r\n${second}`) : undefined) }
  const { outcomes, spool, facts } = await deliver({ script }, { forwardPaths: ['a@x.test', 'b@x.test'] })
  const neither = { kind: 'ambiguous', reply: { code: 451, status: '4.5.0' } }
  expect(outcomes).toMatchObject([neither, neither])
  expect(facts('bounced')).toEqual([])
  expect(spool.stored.size).toBe(1)
})

test('a yes to the content with 421 right behind it counts as a yes', async () => {
  const { outcomes } = await deliver({ script: { dot: say('250 2.0.0 queued\r\n421 4.7.0 bye', { ends: 'drop' }) } })
  expect(outcomes).toMatchObject([{ kind: 'delivered' }])
})

test.each([
  '500 5.5.2 what?',
  '421 4.7.0 bye',
  '550 5.7.1 no',
  '500 5.5.2 what?\r\n221 2.0.0 bye',
])('a refusal of the content with %s right behind it counts as a refusal', async (second) => {
  const { outcomes } = await deliver({ script: { dot: say(`554 5.7.1 spam\r\n${second}`) } }, { reversePath: '' })
  expect(outcomes).toMatchObject([{ kind: 'bounced', reply: { code: 554 } }])
})

test('after a stray reply behind the final one, in a later read, the next message is delivered at once, on a new connection', async () => {
  const upstream = await startSmarthost({
    script: {
      dot: (time) => (time === 0 ? say('250 2.0.0 queued\r\n250 2.0.0 stray', { pieces: 18 }) : undefined),
    },
  })
  const { spool, attempted, attempts } = rig(oneSmarthost(upstream.port, { maxConnections: 1 }))
  for (let i = 0; i < 3; i++) spool.put(envelope(hello), hello)
  await attempted(3)
  expect(attempts.map((a) => a.outcome.kind)).toEqual(['delivered', 'delivered', 'delivered'])
  expect(upstream.received).toHaveLength(3)
  expect(upstream.connections()).toBe(2)
})

test.each(
  both.flatMap(([manner, offers]) =>
    (
      [
        ['RSET', 'keeps', { RCPT: '550 5.1.1 unknown', DATA: '554 5.5.1 no recipients' }],
        ['EHLO', 'ends', { RCPT: '250 2.1.5 ok', DATA: '554 5.7.1 no' }],
      ] as const
    ).map(([command, what, says]) => [command, what, manner, says, offers] as const),
  ),
)('a refusal that is confirmed by %s %s the connection: %s', async (command, what, _manner, says, offers) => {
  const script: Script = {
    RCPT: (time) => (time === 0 ? say(says.RCPT) : undefined),
    DATA: (time) => (time === 0 ? say(says.DATA) : undefined),
  }
  const upstream = await startSmarthost({ script, offers })
  const { spool, attempted, attempts } = rig(oneSmarthost(upstream.port, { maxConnections: 1 }))
  spool.put(envelope(hello, { reversePath: '' }), hello)
  await attempted(1)
  spool.put(envelope(hello), hello)
  await attempted(2)
  expect(attempts.map((a) => a.outcome.kind)).toEqual(['bounced', 'delivered'])
  expect(upstream.connections()).toBe(what === 'keeps' ? 1 : 2)
  const first = upstream.lines.slice(
    1,
    upstream.lines.findLastIndex((line) => line.startsWith('MAIL')),
  )
  expect(first.find((line) => line === 'RSET' || line.startsWith('EHLO'))).toContain(command)
})

test.each(
  both,
)('where a smarthost answers two commands late, the yes to one recipient confirms no refusal of another one: %s', async (_name, offers) => {
  // What comes behind MAIL and the first two recipients is for earlier commands; what comes behind DATA is for the second one.
  const ofTheThird = say('250 2.1.5 ok')
  const script: Script = {
    DATA: (time) => (time === 0 ? say('550 5.1.1 unknown') : undefined),
    RSET: (time) => (time === 0 ? ofTheThird : undefined),
    EHLO: (time) => (time === 1 ? ofTheThird : undefined),
  }
  const to = { forwardPaths: ['a@x.test', 'b@x.test', 'c@x.test'] }
  const { outcomes, spool, facts } = await deliver({ script, offers }, to)
  expect(outcomes).toMatchObject([outOfStep, outOfStep, outOfStep])
  expect(facts('dsnQueued')).toEqual([])
  expect(spool.stored.size).toBe(1)
})

const nobody = { RCPT: say('550 5.1.1 unknown'), DATA: say('554 5.5.1 no recipients') }
const oneOfTwo: Script = {
  RCPT: (_time, line) => (line.includes('<b') ? say('550 5.1.1 unknown') : undefined),
  DATA: say('554 5.7.1 no'),
}
/** A second EHLO is out of sequence. */
const once = (time: number) => (time === 0 ? undefined : say('503 5.5.1 duplicate EHLO'))
const neither = both.flatMap(([manner, offers]) =>
  (
    [
      ['RSET (500)', { ...nobody, RSET: say('500 5.5.2 what?') }],
      ['RSET (502)', { ...nobody, RSET: say('502 5.5.1 not implemented') }],
      ['a second EHLO', { ...oneOfTwo, EHLO: once }],
    ] as const
  ).map(([what, script]) => [what, manner, script, offers] as const),
)

test.each(
  neither,
)('case U08: a smarthost that does not know %s confirms a refusal by 221, its answer to QUIT: %s', async (_name, _, script, offers) => {
  const to = { forwardPaths: ['a@x.test', 'b@x.test'], reversePath: '' }
  const { outcomes, delivery, upstream } = await deliver({ script, offers }, to)
  expect(outcomes).toMatchObject([{ kind: 'bounced' }, { kind: 'bounced', reply: { code: 550 } }])
  expect([delivery.smarthosts()[0]?.health, upstream.times('QUIT')]).toEqual(['healthy', 1])
})

test.each(
  (
    [
      ['250 2.0.0 ok', say('250 2.0.0 ok')],
      ['421 4.7.0 bye', say('421 4.7.0 bye', { ends: 'drop' })],
      ['nothing, and an end of the connection', { ends: 'drop' }],
      ['nothing', silence],
    ] as const
  ).flatMap(([says, QUIT]) =>
    neither.map(([what, manner, script, offers]) => [says, what, manner, { ...script, QUIT }, offers] as const),
  ),
)('case U08: where QUIT is answered by %s behind a refusal of %s, no refusal is believed: %s', async (_says, _what, _, script, offers) => {
  const to = { forwardPaths: ['a@x.test', 'b@x.test'] }
  const { outcomes, spool } = await deliver({ script, offers }, to, hello, allWithin(1000))
  expect(outcomes).toMatchObject([
    { kind: 'deferred', scope: 'nextHop' },
    { kind: 'deferred', scope: 'nextHop' },
  ])
  expect(spool.stored.size).toBe(1)
})

test.each(
  neither,
)('case U08: after one reply too many no refusal is believed, though a smarthost that does not know %s takes its leave by 221: %s', async (_name, _, script, offers) => {
  const tooMany = {
    MAIL: (time: number) => (time === 0 ? say('250 2.1.0 ok\r\n250 2.1.0 ok', { pieces: 14 }) : undefined),
  }
  const to = { forwardPaths: ['a@x.test', 'b@x.test'] }
  const { outcomes, spool } = await deliver({ script: { ...script, ...tooMany }, offers }, to)
  expect(outcomes).toMatchObject([outOfStep, outOfStep])
  expect(spool.stored.size).toBe(1)
})

test.each([
  ['leaves', { ends: 'drop' }],
  ['says 421', say('421 4.7.0 too many refusals')],
] as const)('a smarthost that %s after its refusal has refused all the same', async (_name, RSET) => {
  const script: Script = { RCPT: say('550 5.1.1 unknown'), DATA: say('554 5.5.1 no recipients'), RSET }
  const { outcomes } = await deliver({ script }, { reversePath: '' })
  expect(outcomes).toMatchObject([{ kind: 'bounced', reply: { code: 550 } }])
})

test.each(
  both,
)('when the relay itself ends while a refusal waits to be confirmed, nobody is given up: %s', async (_name, offers) => {
  const script: Script = { RCPT: say('550 5.1.1 unknown'), DATA: say('554 5.5.1 no recipients'), RSET: silence }
  const upstream = await startSmarthost({ script, offers })
  const { spool, delivery, facts } = rig(oneSmarthost(upstream.port))
  spool.put(envelope(hello), hello)
  await until('RSET is said', () => upstream.times('RSET') === 1)
  await delivery.close(0)
  expect(facts('bounced')).toEqual([])
  expect([...spool.stored.values()]).toMatchObject([{ recipients: [{ state: 'pending', attempts: 0 }] }])
})
