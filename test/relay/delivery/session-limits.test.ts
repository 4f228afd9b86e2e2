/** Smarthosts that take so much in one session, in their own words and at their own stage: no mail pays for that with an attempt. */
import { expect, test } from 'vitest'
import { type Behaviour, type Script, say } from './behaviour.ts'
import { oneSmarthost, rig } from './rig.ts'
import { contentOf, envelope, hello } from './samples.ts'
import { startSmarthost } from './smarthost.ts'

/** Six messages, one after the other, to a smarthost that answers a stage so after two messages in each session. */
async function sixMessages(at: 'MAIL' | 'RCPT' | 'DATA' | 'dot', says: Behaviour) {
  const session = (): Script => {
    let messages = 0
    let refused = false
    const answer = (): Behaviour | undefined => {
      refused = messages >= 2
      return refused ? says : undefined
    }
    return {
      ...(at !== 'DATA' && at !== 'dot' && { [at]: answer }),
      ...(at === 'MAIL' && { RCPT: () => (refused ? say('503 5.5.1 MAIL first') : undefined) }),
      DATA: () => (at === 'DATA' ? answer() : refused ? say('503 5.5.1 no recipients') : undefined),
      dot: () => (at === 'dot' && messages >= 2 ? says : void messages++),
    }
  }
  const upstream = await startSmarthost({ session })
  const { spool, attempts, attempted, quiet, facts } = rig(oneSmarthost(upstream.port))
  for (let i = 1; i <= 6; i++) {
    spool.put(envelope(hello), hello)
    await attempted(i)
    await quiet()
  }
  return { upstream, facts, outcomes: attempts.map(({ attempt, outcome }) => `${attempt} ${outcome.kind}`) }
}

test.each<[string, Behaviour]>([
  ['421, as of KumoMTA,', say('421 4.5.3 kumo.test too many recipients on this connection', { ends: 'drop' })],
  [
    '451, as of an earlier KumoMTA,',
    say('451 4.5.3 kumo.test too many recipients on this connection', { ends: 'drop' }),
  ],
  ['421 without an end', say('421 4.7.0 enough for one session')],
  ['a close', { ends: 'drop' }],
])('case U17: after %s at RCPT on a connection that was used before, a new one is opened, and no attempt is charged', async (_name, says) => {
  const { upstream, outcomes, facts } = await sixMessages('RCPT', says)
  expect(outcomes).toEqual(Array(6).fill('1 delivered'))
  expect(upstream.received.map((r) => r.connection)).toEqual([1, 1, 2, 2, 3, 3])
  expect(facts('smarthostEjected')).toEqual([])
})

test.each([
  '452 4.3.0 Maximum number of messages per connection reached',
  '451 Transaction limit for this session exceeded',
  '550 5.7.0 Too many messages in this session',
  '554 Too many transactions on this connection',
])('case U17: that a session has had its messages is understood in these words, also as a refusal for good: %s', async (says) => {
  const { upstream, outcomes } = await sixMessages('MAIL', say(says))
  expect(outcomes).toEqual(Array(6).fill('1 delivered'))
  expect(upstream.received.map((r) => r.connection)).toEqual([1, 1, 2, 2, 3, 3])
})

test.each([
  '451 4.4.5 Maximum number of messages per session exceeded.',
  '452 4.4.5 Maximum number of messages per session exceeded.',
])('case U17: that a session has had its messages is understood at DATA, too, where Stalwart says it: %s', async (says) => {
  const { upstream, outcomes, facts } = await sixMessages('DATA', say(says))
  expect(outcomes).toEqual(Array(6).fill('1 delivered'))
  expect(upstream.received.map((r) => r.connection)).toEqual([1, 1, 2, 2, 3, 3])
  expect(facts('deferred')).toEqual([])
})

test.each([
  ['MAIL', '453 4.3.2 mx.test Session open for too long.'],
  ['MAIL', '451 4.7.28 mx.test Session exceeded transfer quota.'],
  ['dot', '451 4.7.28 mx.test Session exceeded transfer quota.'],
] as const)('case U17: that a session has had its time, or its octets, as Stalwart says at %s, is understood: %s', async (at, says) => {
  const { upstream, outcomes, facts } = await sixMessages(at, say(says, { ends: 'drop' }))
  expect(outcomes).toEqual(Array(6).fill('1 delivered'))
  expect(upstream.received.map((r) => r.connection)).toEqual([1, 1, 2, 2, 3, 3])
  expect(facts('deferred')).toEqual([])
})

test('case U17: that a session has had its octets, as Stalwart says in the middle of a content, is understood', async () => {
  const script: Script = {
    content: (time) =>
      time === 0 ? say('451 4.7.28 mx.test Session exceeded transfer quota.', { ends: 'drop' }) : undefined,
  }
  const upstream = await startSmarthost({ script, contentOctets: 500_000 })
  const { spool, attempts, attempted } = rig(oneSmarthost(upstream.port))
  spool.put(envelope(hello), hello)
  await attempted(1)
  const content = contentOf(3_000_000)
  spool.put(envelope(content), content)
  await attempted(2)
  expect(attempts.map(({ attempt, outcome }) => `${attempt} ${outcome.kind}`)).toEqual(['1 delivered', '1 delivered'])
  expect(upstream.received.map((r) => r.connection)).toEqual([1, 2])
})

test.each([
  'MAIL',
  'DATA',
] as const)('case U17: a connection that has carried mail and then refuses some for now, in words that are not understood, is not used again (%s)', async (at) => {
  const { upstream, outcomes } = await sixMessages(at, say('450 4.7.0 come back'))
  expect(outcomes).toEqual([
    ...Array(2).fill('1 delivered'),
    '1 deferred',
    ...Array(2).fill('1 delivered'),
    '1 deferred',
  ])
  expect(upstream.connections()).toBe(2)
})

test('case U17: recipients who are too many for a session, as of KumoMTA, have the message in the next one', async () => {
  const session = (): Script => {
    let taken = 0
    let inTransaction = 0
    const tooMany = 'too many recipients on this connection'
    return {
      MAIL: () => {
        inTransaction = 0
        return undefined
      },
      RCPT: (): Behaviour | undefined => {
        if (taken === 3)
          return inTransaction > 0 ? say(`451 4.5.3 ${tooMany}`) : say(`421 4.5.3 ${tooMany}`, { ends: 'drop' })
        taken++
        inTransaction++
        return undefined
      },
    }
  }
  const upstream = await startSmarthost({ session })
  const { spool, settled, facts } = rig(oneSmarthost(upstream.port))
  const forwardPaths = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => `${name}@x.test`)
  const message = envelope(hello, { forwardPaths })
  spool.put(message, hello)
  await settled(message)
  expect(upstream.received.flatMap(({ rcpt }) => rcpt).toSorted()).toEqual(
    forwardPaths.map((path) => `RCPT TO:<${path}>`),
  )
  expect([facts('deferred'), facts('smarthostEjected')]).toEqual([[], []])
})
