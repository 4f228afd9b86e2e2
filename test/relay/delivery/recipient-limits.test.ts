/** However a next hop tells that it takes fewer recipients in one transaction, the others have the message in the next ones. */
import { expect, test } from 'vitest'
import { until } from '../../local/until.ts'
import { type Behaviour, type Script, say } from './behaviour.ts'
import { oneSmarthost, rig } from './rig.ts'
import { envelope, hello } from './samples.ts'
import { startSmarthost } from './smarthost.ts'

/** Delivers to so many recipients through a smarthost that takes six, and answers so where there are more. */
async function deliverTo(recipients: number, at: 'RCPT' | 'DATA' | 'dot', says: Behaviour, most = 6) {
  const session = (): Script => {
    let asked = 0
    const answer = (): Behaviour | undefined => (asked > most ? says : undefined)
    return {
      MAIL: () => {
        asked = 0
        return undefined
      },
      RCPT: () => {
        asked++
        return at === 'RCPT' ? answer() : undefined
      },
      ...(at !== 'RCPT' && { [at]: answer }),
    }
  }
  const upstream = await startSmarthost({ session })
  const { spool, facts, delivery } = rig(oneSmarthost(upstream.port))
  const forwardPaths = Array.from({ length: recipients }, (_, i) => `user${i}@x.test`)
  const { queueId } = spool.put(envelope(hello, { forwardPaths }), hello).envelope
  const arrived = () => upstream.received.filter(({ mail }) => !mail.startsWith('MAIL FROM:<>')).flatMap((r) => r.rcpt)
  const own = (fact: 'deferred' | 'bounced') => facts(fact).filter(([id]) => id === queueId).length
  await until('all have an outcome', () => arrived().length + own('bounced') + own('deferred') >= recipients)
  await until('nothing is in flight', () => delivery.summary().inFlight === 0)
  return {
    forwardPaths,
    arrived: arrived(),
    deferred: own('deferred'),
    bounced: own('bounced'),
    dots: upstream.times('dot'),
    facts,
  }
}

test.each([
  ['RCPT', say('550 5.7.1 too many recipients')],
  ['RCPT', say('554 Too many recipients in one message')],
  ['RCPT', say('450 4.7.1 Error: too many recipients')],
  ['DATA', say('451 4.5.3 too many recipients')],
  ['DATA', say('550 5.5.3 Multi-recipient bounce')],
  ['dot', say('452 4.5.3 too many recipients')],
  ['dot', say('554 5.5.3 too many recipients')],
  ['dot', say('550 Too many recipients')],
] as const)('case U05: of twenty recipients, where more than six are told at %s %o, each has the message at once, and once', async (at, says) => {
  const { forwardPaths, arrived, deferred, bounced, facts } = await deliverTo(20, at, says)
  expect(arrived.toSorted()).toEqual(forwardPaths.map((path) => `RCPT TO:<${path}>`).toSorted())
  expect([deferred, bounced, facts('smarthostEjected')]).toEqual([0, 0, []])
})

test('case U05: where even one recipient is too many for now at the final dot, the content is sent to few of them until the next attempt', async () => {
  const { arrived, deferred, dots } = await deliverTo(50, 'dot', say('452 4.5.3 too many recipients'), 0)
  expect([arrived, deferred]).toEqual([[], 50])
  expect(dots).toBeLessThan(40)
})

test.each([
  ['RCPT', '550 5.7.1 too many recipients today'],
  ['DATA', '550 5.5.3 too many recipients'],
  ['dot', '554 5.5.3 too many recipients'],
] as const)('case U05: a recipient who is one too many at %s for good also when nobody else is told is refused', async (at, says) => {
  expect(await deliverTo(3, at, say(says), 0)).toMatchObject({ arrived: [], deferred: 0, bounced: 3 })
})
